namespace TinyMllm.Loaders.Images;

/// <summary>A picture as the models want it: 8-bit RGB, row-major, top row first, no padding.</summary>
public sealed class RgbImage
{
    /// <summary>Bytes of one pixel.</summary>
    internal const int BytesPerPixel = 3;

    private RgbImage(int width, int height, ReadOnlyMemory<byte> pixels, bool isComplete = true) =>
        (Width, Height, Pixels, IsComplete) = (width, height, pixels, isComplete);

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Red, green, blue of every pixel, row after row: <see cref="Width"/> · <see cref="Height"/> · 3 bytes.</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

    /// <summary>
    /// False when part of the pixels was missing and is filled in: <see cref="ImageOptions.AcceptTruncated"/> let a broken file pass, or a
    /// JPEG's scan holds less data than its blocks need, which all decoders let pass.
    /// </summary>
    public bool IsComplete { get; }

    /// <summary>Reads a picture file.</summary>
    /// <param name="path">The file; its format is told from its content, not from its name.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Looked at after every few rows.</param>
    /// <exception cref="ImageFormatException">The file is not a picture that can be read; the message names it.</exception>
    /// <exception cref="IOException">The file cannot be read at all.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RgbImage Load(string path, ImageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = OpenFile(path);
        try
        {
            return Decode(file, options, cancellationToken);
        }
        catch (ImageFormatException error)
        {
            throw new ImageFormatException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Reads a picture file on another thread, when its turn comes (<see cref="ImageOptions.ConcurrentDecodes"/>).</summary>
    /// <param name="path">The file; its format is told from its content, not from its name.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Ends the waiting, or the decoding within a few rows.</param>
    /// <exception cref="ImageFormatException">The file is not a picture that can be read; the message names it.</exception>
    /// <exception cref="IOException">The file cannot be read at all.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Task<RgbImage> LoadAsync(string path, ImageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return InTurnAsync(() => Load(path, options, cancellationToken), options, cancellationToken);
    }

    /// <summary>Decodes a picture that lies in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Looked at after every few rows.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> file, ImageOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ImageOptions.Default;
        options.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        return (options.Decoder ?? ImageDecoders.Default).Decode(file, options, cancellationToken);
    }

    /// <summary>Decodes a picture from a stream, read to its end.</summary>
    /// <param name="stream">Where the file comes from; left open.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Looked at after every read and every few rows.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read, or too many.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RgbImage Decode(Stream stream, ImageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= ImageOptions.Default;
        options.Validate();
        return Decode(FileBytes.Read(stream, options.MaxFileBytes, cancellationToken), options, cancellationToken);
    }

    /// <summary>Decodes a picture on another thread, when its turn comes (<see cref="ImageOptions.ConcurrentDecodes"/>).</summary>
    /// <param name="file">The whole file; must not change until the task has ended.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Ends the waiting, or the decoding within a few rows.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Task<RgbImage> DecodeAsync(ReadOnlyMemory<byte> file, ImageOptions? options = null, CancellationToken cancellationToken = default) =>
        InTurnAsync(() => Decode(file.Span, options, cancellationToken), options, cancellationToken);

    /// <summary>Reads a stream to its end and decodes the picture on another thread, when its turn comes.</summary>
    /// <param name="stream">Where the file comes from; left open.</param>
    /// <param name="options">Null: <see cref="ImageOptions.Default"/>.</param>
    /// <param name="cancellationToken">Ends the reading, the waiting, or the decoding within a few rows.</param>
    /// <exception cref="ImageFormatException">The bytes are not a picture that can be read, or too many.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<RgbImage> DecodeAsync(Stream stream, ImageOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= ImageOptions.Default;
        options.Validate();
        ReadOnlyMemory<byte> file = await FileBytes.ReadAsync(stream, options.MaxFileBytes, cancellationToken).ConfigureAwait(false);
        return await DecodeAsync(file, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies raw RGB pixels.</summary>
    /// <param name="pixels">Red, green, blue bytes, rows <paramref name="stride"/> bytes apart.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="stride">Bytes from one row to the next; 0: rows follow each other without a gap.</param>
    /// <exception cref="ArgumentException">The sizes do not fit the data.</exception>
    public static RgbImage FromRgb(ReadOnlySpan<byte> pixels, int width, int height, int stride = 0)
    {
        stride = CheckRaw(pixels.Length, width, height, BytesPerPixel, stride);
        int rowBytes = width * BytesPerPixel;
        var copy = new byte[checked(rowBytes * height)];
        for (int y = 0; y < height; y++) pixels.Slice(y * stride, rowBytes).CopyTo(copy.AsSpan(y * rowBytes));
        return new RgbImage(width, height, copy);
    }

    /// <summary>Copies raw RGBA pixels; alpha is straight.</summary>
    /// <param name="pixels">Red, green, blue, alpha bytes, rows <paramref name="stride"/> bytes apart.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="stride">Bytes from one row to the next; 0: rows follow each other without a gap.</param>
    /// <param name="options">Whose <see cref="ImageOptions.Background"/> shows through; null: white.</param>
    /// <exception cref="ArgumentException">The sizes do not fit the data.</exception>
    public static RgbImage FromRgba(ReadOnlySpan<byte> pixels, int width, int height, int stride = 0, ImageOptions? options = null)
    {
        const int Bytes = 4;
        stride = CheckRaw(pixels.Length, width, height, Bytes, stride);
        int rowBytes = width * BytesPerPixel;
        var rgb = new byte[checked(rowBytes * height)];
        RgbColor? background = (options ?? ImageOptions.Default).Background;
        for (int y = 0; y < height; y++) Alpha.Resolve(pixels.Slice(y * stride, width * Bytes), rgb.AsSpan(y * rowBytes, rowBytes), background);
        return new RgbImage(width, height, rgb);
    }

    /// <summary>Takes pixels that nobody else will change, without copying them.</summary>
    internal static RgbImage Own(int width, int height, ReadOnlyMemory<byte> pixels, bool isComplete = true)
    {
        CheckRaw(pixels.Length, width, height, BytesPerPixel, 0);
        return new RgbImage(width, height, pixels, isComplete);
    }

    private static async Task<RgbImage> InTurnAsync(Func<RgbImage> decode, ImageOptions? options, CancellationToken cancellationToken)
    {
        options ??= ImageOptions.Default;
        options.Validate();
        SemaphoreSlim turns = DecodeTurns.Of(options);
        await turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(decode, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>Without a buffer: files are read in one piece.</summary>
    private static FileStream OpenFile(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);

    private static int CheckRaw(int length, int width, int height, int bytesPerPixel, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegative(stride);
        long rowBytes = (long)width * bytesPerPixel;
        long step = stride == 0 ? rowBytes : stride;
        if (step < rowBytes)
        {
                throw new ArgumentException(
                    $"a row of {width} pixels takes {rowBytes} bytes, more than the stride of {stride}", nameof(stride));
        }

        Int128 needed = (Int128)step * (height - 1) + rowBytes;
        if (length < needed)
        {
                throw new ArgumentException(
                    $"{width}×{height} pixels, rows {step} bytes apart, take {needed} bytes; found {length}", nameof(length));
        }

        return (int)step;
    }
}
