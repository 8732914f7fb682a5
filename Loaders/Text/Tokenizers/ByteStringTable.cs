using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>
/// Byte strings numbered from 0 and found by content without allocating: an open-addressing hash table with linear probing, at
/// most half full. The hash is seeded per process, so that a file cannot be made of colliding tokens. Loading a vocabulary calls
/// these methods a million times before the JIT would come to optimise them, hence their attribute.
/// </summary>
internal sealed class ByteStringTable
{
    private const int Empty = -1;
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);

    private readonly ByteStrings _strings;
    private int _findable;
    private Slot[] _slots;

    /// <summary>Creates an empty table.</summary>
    /// <param name="capacity">Expected number of strings; grows beyond.</param>
    public ByteStringTable(int capacity)
    {
        _strings = new ByteStrings(capacity);
        _slots = NewSlots((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(2L * capacity, 16)));
    }

    /// <summary>Number of strings, findable or not.</summary>
    public int Count => _strings.Count;

    /// <summary>Length in bytes of the longest string.</summary>
    public int MaximumLength => _strings.MaximumLength;

    /// <summary>The string with this number.</summary>
    public ReadOnlySpan<byte> this[int index] => _strings[index];

    /// <summary>Adds a string under the next number, which is returned; if <paramref name="findable"/>, it replaces an equal one in look-ups.</summary>
    public int Add(ReadOnlySpan<byte> text, bool findable = true)
    {
        int index = _strings.Add(text);
        if (findable) Insert(Hash(text), index);
        return index;
    }

    /// <summary>Number of the string equal to <paramref name="text"/>, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Find(ReadOnlySpan<byte> text)
    {
        if (text.Length > MaximumLength) return -1;
        uint hash = Hash(text);
        uint mask = (uint)_slots.Length - 1;
        for (uint at = hash & mask; ; at = (at + 1) & mask)
        {
            Slot slot = _slots[at];
            if (slot.Index == Empty) return -1;
            if (slot.Hash == hash && this[slot.Index].SequenceEqual(text)) return slot.Index;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Insert(uint hash, int index)
    {
        if (2 * (_findable + 1) > _slots.Length) Grow();
        uint mask = (uint)_slots.Length - 1;
        for (uint at = hash & mask; ; at = (at + 1) & mask)
        {
            ref Slot slot = ref _slots[at];
            bool free = slot.Index == Empty;
            if (!free && (slot.Hash != hash || !this[slot.Index].SequenceEqual(this[index]))) continue;
            slot = new Slot(hash, index);
            if (free) _findable++;
            return;
        }
    }

    private void Grow()
    {
        Slot[] old = _slots;
        _slots = NewSlots(checked(2 * old.Length));
        uint mask = (uint)_slots.Length - 1;
        foreach (Slot slot in old)
        {
            if (slot.Index == Empty) continue;
            uint at = slot.Hash & mask;
            while (_slots[at].Index != Empty) at = (at + 1) & mask;
            _slots[at] = slot;
        }
    }

    private static Slot[] NewSlots(int count)
    {
        var slots = new Slot[count];
        Array.Fill(slots, new Slot(0, Empty));
        return slots;
    }

    /// <summary>Eight bytes at a time, folded by a 64×64→128 bit product; the last (or only) up to eight bytes by overlapping reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Hash(ReadOnlySpan<byte> text)
    {
        ulong hash = Seed ^ ((ulong)text.Length * 0x9E3779B97F4A7C15);
        while (text.Length > 8)
        {
            hash = Fold(hash ^ Read<ulong>(text, 0));
            text = text[8..];
        }

        ulong tail = text.Length switch
        {
            >= 4 => Read<uint>(text, 0) | ((ulong)Read<uint>(text, text.Length - 4) << 32),
            > 0 => (ulong)(text[0] | (text[text.Length / 2] << 8) | (text[^1] << 16)),
            _ => 0,
        };
        return (uint)Fold(hash ^ tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong value)
    {
        ulong high = Math.BigMul(value, 0xA0761D6478BD642F, out ulong low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Read<T>(ReadOnlySpan<byte> text, int at)
        where T : unmanaged => Unsafe.ReadUnaligned<T>(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), at));

    private readonly record struct Slot(uint Hash, int Index);
}
