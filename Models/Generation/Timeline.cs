using TinyMllm.Generation.Sessions;

namespace TinyMllm.Generation;

/// <summary>
/// What lies in a decoder's memory, entry by entry, so that a new prompt need only be read from where it departs from the last one.
/// A picture is one item of many entries; equal content is equal.
/// </summary>
internal sealed class Timeline
{
    private readonly List<Item> _items = [];

    /// <summary>Entries in the decoder's memory.</summary>
    public int Tokens => _items.Count == 0 ? 0 : _items[^1].EndToken;

    /// <summary>Position of the next token.</summary>
    public int NextPosition => _items.Count == 0 ? 0 : _items[^1].EndPosition;

    /// <summary>Adds a token that was read.</summary>
    public void Add(int token) => _items.Add(new Item(token, null, 0, Tokens + 1, NextPosition + 1));

    /// <summary>Adds a tile of a picture that was read.</summary>
    public void Add(PicturePart picture) =>
        _items.Add(new Item(-1, picture.Picture, picture.Index, Tokens + picture.Tokens, NextPosition + picture.Positions));

    /// <summary>Takes over what lies in another memory, of which this one is a copy.</summary>
    public void CopyFrom(Timeline other)
    {
        _items.Clear();
        _items.AddRange(other._items);
    }

    /// <summary>Entries up to the first picture that is none of <paramref name="pictures"/>.</summary>
    public int TokensBeforeUnknown(IReadOnlyCollection<PictureKey> pictures)
    {
        int tokens = 0;
        foreach (Item item in _items)
        {
            if (item.Token < 0 && !pictures.Contains(item.Picture!)) break;
            tokens = item.EndToken;
        }

        return tokens;
    }

    /// <summary>Writes the items; keys of pictures mean nothing elsewhere, so their places in a list are written.</summary>
    public void Save(BinaryWriter writer, IReadOnlyList<PictureKey> pictures)
    {
        writer.Write(_items.Count);
        int tokens = 0, position = 0;
        foreach (Item item in _items)
        {
            writer.Write(item.Token);
            if (item.Token < 0)
            {
                writer.Write(IndexOf(pictures, item.Picture!));
                writer.Write(item.Index);
                writer.Write(item.EndToken - tokens);
                writer.Write(item.EndPosition - position);
            }

            (tokens, position) = (item.EndToken, item.EndPosition);
        }
    }

    /// <summary>Reads items that <see cref="Save"/> wrote.</summary>
    public void Load(SessionReader reader, IReadOnlyList<PictureKey> pictures, int vocabulary, int capacity)
    {
        _items.Clear();
        int count = reader.Count(capacity, "items in the memory");
        for (int i = 0; i < count; i++)
        {
            int token = reader.Between(-1, vocabulary - 1, "a token");
            if (token >= 0)
            {
                Add(token);
                continue;
            }

            PictureKey picture = pictures[reader.Between(0, pictures.Count - 1, "a picture's number")];
            int index = reader.Between(0, capacity, "a tile's number");
            int tokens = reader.Between(1, capacity - Tokens, "a tile's tokens"), positions = reader.Between(1, tokens, "a tile's positions");
            _items.Add(new Item(-1, picture, index, Tokens + tokens, NextPosition + positions));
        }
    }

    /// <summary>Entries of the memory that a prompt could use as they are.</summary>
    public int CommonTokens(IReadOnlyList<PromptPart> prompt)
    {
        int items = CommonItems(prompt);
        return items == 0 ? 0 : _items[items - 1].EndToken;
    }

    /// <summary>Entries of the memory to keep for a prompt: what they share, but for the prompt's last item.</summary>
    public int TokensToKeep(IReadOnlyList<PromptPart> prompt)
    {
        int keep = Math.Min(CommonItems(prompt), ItemCount(prompt) - 1);
        return keep == 0 ? 0 : _items[keep - 1].EndToken;
    }

    /// <summary>Forgets all but the first <paramref name="tokens"/> entries, where an item ends.</summary>
    public void Truncate(int tokens)
    {
        int keep = _items.Count;
        while (keep > 0 && _items[keep - 1].EndToken > tokens) keep--;
        _items.RemoveRange(keep, _items.Count - keep);
    }

    /// <summary>The parts of a prompt behind what is here, which is the prompt's beginning.</summary>
    public List<PromptPart> NotYetIn(IReadOnlyList<PromptPart> prompt) => Skip(prompt, _items.Count);

    private static int IndexOf(IReadOnlyList<PictureKey> pictures, PictureKey picture)
    {
        for (int i = 0; i < pictures.Count; i++)
            if (pictures[i].Equals(picture)) return i;
        throw new InvalidOperationException("a picture of the memory is not in the conversation");
    }

    private static int ItemCount(IReadOnlyList<PromptPart> prompt) => prompt.Sum(part => part is TextPart text ? text.Ids.Length : 1);

    private static List<PromptPart> Skip(IReadOnlyList<PromptPart> prompt, int items)
    {
        var rest = new List<PromptPart>();
        foreach (PromptPart part in prompt)
        {
            int count = part is TextPart whole ? whole.Ids.Length : 1;
            if (items >= count)
            {
                items -= count;
            }
            else if (part is TextPart text)
            {
                rest.Add(new TextPart(text.Ids[items..]));
                items = 0;
            }
            else
            {
                rest.Add(part);
            }
        }

        return rest;
    }

    private int CommonItems(IReadOnlyList<PromptPart> prompt)
    {
        int common = 0;
        foreach (PromptPart part in prompt)
        {
            if (part is TextPart text)
            {
                foreach (int id in text.Ids)
                {
                    if (common == _items.Count || _items[common].Token != id) return common;
                    common++;
                }
            }
            else if (part is PicturePart picture)
            {
                if (common == _items.Count || _items[common].Token >= 0
                    || _items[common].Index != picture.Index || !picture.Picture.Equals(_items[common].Picture))
                {
                    return common;
                }

                common++;
            }
        }

        return common;
    }

    /// <param name="Token">Id, or -1 for a tile of a picture.</param>
    /// <param name="Picture">Content of the picture; null for a token.</param>
    /// <param name="Index">Which tile.</param>
    /// <param name="EndToken">Entries up to and with this item.</param>
    /// <param name="EndPosition">Positions up to and with this item.</param>
    private readonly record struct Item(int Token, PictureKey? Picture, int Index, int EndToken, int EndPosition);
}
