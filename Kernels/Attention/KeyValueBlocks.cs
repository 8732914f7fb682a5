using System.Runtime.CompilerServices;
using TinyMllm.Kernels.Simd;

namespace TinyMllm.Kernels.Attention;

/// <summary>Writing keys and values into the layout of <see cref="AttentionArguments"/>, and widening chunks of them for a tile.</summary>
public static unsafe class KeyValueBlocks
{
    private const int KeyBlock = AttentionTile.KeyBlock;

    /// <summary>Values that share a scale in <see cref="KeyValueFormat.Int8"/>.</summary>
    private const int Int8Block = 32;

    /// <summary>Bytes of one block of 16 keys.</summary>
    public static long KeyBlockBytes(KeyValueFormat format, int headSize) => format switch
    {
        KeyValueFormat.Single => 64L * headSize,
        KeyValueFormat.Half => 32L * headSize,
        _ => (16L * headSize) + (32L * Int8Groups(headSize)),
    };

    /// <summary>Bytes of one token's values of one head.</summary>
    public static long ValueRowBytes(KeyValueFormat format, int valueSize)
    {
        int padded = (valueSize + 15) & ~15;
        return format switch
        {
            KeyValueFormat.Single => 4L * padded,
            KeyValueFormat.Half => 2L * padded,
            _ => padded + (2L * Int8Groups(padded)),
        };
    }

    /// <summary>Stores one token's key of one head.</summary>
    [SkipLocalsInit]
    public static void WriteKey(KeyValueFormat format, float* source, int headSize, byte* blocks, int token)
    {
        byte* block = blocks + (token / KeyBlock * KeyBlockBytes(format, headSize));
        int lane = token % KeyBlock;
        switch (format)
        {
            case KeyValueFormat.Single:
                for (int i = 0; i < headSize; i++) ((float*)block)[(16 * i) + lane] = source[i];
                break;
            case KeyValueFormat.Half:
                ushort* halves = stackalloc ushort[headSize];
                HalfConversion.FromSingle(source, halves, headSize);
                for (int i = 0; i < headSize; i++) ((ushort*)block)[(16 * i) + lane] = halves[i];
                break;
            default:
                // [group][16 half scales], then [dimension][16 bytes].
                var scales = (Half*)block;
                sbyte* bytes = (sbyte*)(block + (32 * Int8Groups(headSize)));
                for (int g = 0; g < headSize; g += Int8Block)
                {
                    int count = Math.Min(Int8Block, headSize - g);
                    float inverse = Int8Scale(source + g, count, out scales[(16 * (g / Int8Block)) + lane]);
                    for (int i = g; i < g + count; i++) bytes[(16 * i) + lane] = (sbyte)MathF.Round(source[i] * inverse);
                }

                break;
        }
    }

    /// <summary>Stores one token's values of one head; the row is padded with zeros.</summary>
    public static void WriteValue(KeyValueFormat format, float* source, int valueSize, byte* row)
    {
        int padded = (valueSize + 15) & ~15;
        switch (format)
        {
            case KeyValueFormat.Single:
                new ReadOnlySpan<float>(source, valueSize).CopyTo(new Span<float>(row, valueSize));
                new Span<float>((float*)row + valueSize, padded - valueSize).Clear();
                break;
            case KeyValueFormat.Half:
                HalfConversion.FromSingle(source, (ushort*)row, valueSize);
                new Span<ushort>((ushort*)row + valueSize, padded - valueSize).Clear();
                break;
            default:
                // [group] half scales, then the bytes.
                sbyte* bytes = (sbyte*)(row + (2 * Int8Groups(padded)));
                for (int g = 0; g < padded; g += Int8Block)
                {
                    int count = Math.Clamp(valueSize - g, 0, Int8Block);
                    float inverse = Int8Scale(source + g, count, out ((Half*)row)[g / Int8Block]);
                    for (int i = g; i < Math.Min(padded, g + Int8Block); i++) bytes[i] = i < valueSize ? (sbyte)MathF.Round(source[i] * inverse) : (sbyte)0;
                }

                break;
        }
    }

    /// <summary>Feature <paramref name="i"/> of the key of <paramref name="token"/>, as it is stored: the scalar form of <see cref="Keys{T}"/>.</summary>
    internal static float Key(AttentionArguments* a, int head, int token, int i)
    {
        byte* block = a->Keys + (head * a->KeyHeadBytes) + (token / KeyBlock * KeyBlockBytes(a->Format, a->HeadSize));
        int lane = token % KeyBlock;
        return a->Format switch
        {
            KeyValueFormat.Single => ((float*)block)[(KeyBlock * i) + lane],
            KeyValueFormat.Half => (float)((Half*)block)[(KeyBlock * i) + lane],
            _ => (float)((Half*)block)[(KeyBlock * (i / Int8Block)) + lane] * ((sbyte*)block)[(2 * KeyBlock * Int8Groups(a->HeadSize)) + (KeyBlock * i) + lane],
        };
    }

    /// <summary>Feature <paramref name="i"/> of the value of <paramref name="token"/>, as it is stored: the scalar form of <see cref="Values{T}"/>.</summary>
    internal static float Value(AttentionArguments* a, int head, int token, int i)
    {
        byte* row = a->Values + (head * a->ValueHeadBytes) + (token * a->ValueRowBytes);
        return a->Format switch
        {
            KeyValueFormat.Single => ((float*)row)[i],
            KeyValueFormat.Half => (float)((Half*)row)[i],
            _ => (float)((Half*)row)[i / Int8Block] * ((sbyte*)row)[(2 * Int8Groups(a->PaddedValueSize)) + i],
        };
    }

    /// <summary>Float32 blocks of keys: the stored ones where they are float32 already, else widened to <paramref name="scratch"/>.</summary>
    internal static float* Keys<T>(AttentionArguments* a, int head, int firstBlock, int blocks, float* scratch)
        where T : unmanaged, IFloatLanes<T>
    {
        int d = a->HeadSize;
        byte* source = a->Keys + (head * a->KeyHeadBytes) + (firstBlock * KeyBlockBytes(a->Format, d));
        switch (a->Format)
        {
            case KeyValueFormat.Single:
                return (float*)source;
            case KeyValueFormat.Half:
                WidenHalf<T>((ushort*)source, scratch, blocks * d);
                return scratch;
            default:
                for (int b = 0; b < blocks; b++)
                    WidenKeys<T>(source + (b * KeyBlockBytes(a->Format, d)), scratch + (16 * d * b), d);
                return scratch;
        }
    }

    /// <summary>Float32 rows of values, see <see cref="Keys{T}"/>.</summary>
    internal static float* Values<T>(AttentionArguments* a, int head, int token, int count, float* scratch, out long stride)
        where T : unmanaged, IFloatLanes<T>
    {
        byte* source = a->Values + (head * a->ValueHeadBytes) + (token * a->ValueRowBytes);
        int padded = a->PaddedValueSize;
        stride = padded;
        switch (a->Format)
        {
            case KeyValueFormat.Single:
                stride = a->ValueRowBytes / sizeof(float);
                return (float*)source;
            case KeyValueFormat.Half:
                WidenHalf<T>((ushort*)source, scratch, count * padded / 16);
                return scratch;
            default:
                for (int t = 0; t < count; t++) WidenValues<T>(source + (t * a->ValueRowBytes), scratch + (t * padded), padded);
                return scratch;
        }
    }

    private static int Int8Groups(int size) => (size + Int8Block - 1) / Int8Block;

    private static float Int8Scale(float* source, int count, out Half scale)
    {
        float max = 0;
        for (int i = 0; i < count; i++) max = MathF.Max(max, MathF.Abs(source[i]));
        scale = (Half)(max / 127);

        // The stored scale is rounded, so its own inverse is used; values stay within ±127.
        float stored = (float)scale;
        return stored > 0 ? MathF.Min(1 / stored, 127 / max) : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenHalf<T>(ushort* source, float* target, int vectors)
        where T : unmanaged, IFloatLanes<T>
    {
        for (int i = 0; i < vectors; i++) T.Store(T.LoadFiniteHalf(source + (16 * i)), target + (16 * i));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenKeys<T>(byte* block, float* target, int d)
        where T : unmanaged, IFloatLanes<T>
    {
        sbyte* bytes = (sbyte*)(block + (32 * Int8Groups(d)));
        for (int g = 0; g < d; g += Int8Block)
        {
            T scale = T.LoadFiniteHalf((ushort*)block + (16 * (g / Int8Block)));
            int end = Math.Min(d, g + Int8Block);
            for (int i = g; i < end; i++) T.Store(T.LoadInt8(bytes + (16 * i)) * scale, target + (16 * i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenValues<T>(byte* row, float* target, int padded)
        where T : unmanaged, IFloatLanes<T>
    {
        sbyte* bytes = (sbyte*)(row + (2 * Int8Groups(padded)));
        for (int g = 0; g < padded; g += Int8Block)
        {
            T scale = T.Splat(HalfConversion.ToSingle(((ushort*)row)[g / Int8Block]));
            int end = Math.Min(padded, g + Int8Block);
            for (int i = g; i < end; i += KeyBlock) T.Store(T.LoadInt8(bytes + i) * scale, target + i);
        }
    }
}
