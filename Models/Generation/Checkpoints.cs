using System.Runtime.InteropServices;
using TinyMllm.Engine;
using TinyMllm.Generation.Sessions;

namespace TinyMllm.Generation;

/// <summary>
/// Places in the memory of a recurrent model that it can go back to. Such a model cannot forget single tokens, so without them a prompt
/// that departs from the last one anywhere would be read from its beginning. Models that can forget need none and get none.
/// </summary>
/// <param name="slot">The memory.</param>
internal sealed class Checkpoints(Slot slot)
{
    /// <summary>Places kept; a state takes from 100 KB (short convolutions) to a few MB (state spaces).</summary>
    private const int Most = 8;

    private readonly List<KvSnapshot> _places = [];

    /// <summary>Adds the present place.</summary>
    public void Add()
    {
        if (!slot.IsRecurrent || slot.Length == 0 || (_places.Count > 0 && _places[^1].Length == slot.Length)) return;
        if (_places.Count == Most) _places.RemoveAt(MostCrowded());
        _places.Add(slot.Snapshot());
    }

    /// <summary>Goes back to <paramref name="length"/> entries, or as few fewer as can be done.</summary>
    /// <param name="length">At most the memory's length.</param>
    /// <param name="intact">False if the model may have stopped halfway through a batch, with states of some layers ahead of others.</param>
    /// <returns>Entries now held.</returns>
    public int ReturnTo(int length, bool intact = true)
    {
        _places.RemoveAll(place => place.Length > length);
        if (intact && length == slot.Length) return length;
        if (!slot.IsRecurrent) slot.Truncate(length);
        else if (_places is [.., var last]) slot.Restore(last);
        else slot.Truncate(0);
        return slot.Length;
    }

    /// <summary>Takes over the places of another decoder of the same model, whose memory was copied to this one.</summary>
    public void CopyFrom(Checkpoints other)
    {
        _places.Clear();
        _places.AddRange(other._places);
    }

    /// <summary>Writes the places.</summary>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_places.Count);
        foreach (KvSnapshot place in _places)
        {
            writer.Write(place.Length);
            foreach (float[] state in place.States) writer.Write(MemoryMarshal.AsBytes(state.AsSpan()));
        }
    }

    /// <summary>Reads places that <see cref="Save"/> wrote, for the memory that the decoder has now.</summary>
    public void Load(SessionReader reader)
    {
        _places.Clear();
        int count = reader.Count(slot.IsRecurrent ? Most : 0, "places to go back to");
        int[] sizes = count == 0 ? [] : [.. slot.Snapshot().States.Select(state => state.Length)];
        for (int i = 0, length = 0; i < count; i++)
        {
            length = reader.Between(length, slot.Length, "tokens before a place to go back to");
            _places.Add(new KvSnapshot(length, [.. sizes.Select(reader.Floats)]));
        }
    }

    /// <summary>The place whose absence leaves the smallest gap: those that are left stay spread over the conversation.</summary>
    private int MostCrowded() => Enumerable.Range(0, _places.Count - 1)
        .MinBy(index => _places[index + 1].Length - (index == 0 ? 0 : _places[index - 1].Length));
}
