using TinyMllm.Loaders.Gguf.Quantization;

namespace TinyMllm.Cli.Support;

/// <summary>A model's two files in another weight type, in a folder for the time being.</summary>
internal sealed class QuantizedFiles : IDisposable
{
    /// <summary>Name of the type that leaves the files as they are.</summary>
    public const string AsTheyAre = "file";

    private readonly string? _folder;

    private QuantizedFiles(string model, string? projector, string? folder) => (Model, Projector, _folder) = (model, projector, folder);

    public string Model { get; }

    public string? Projector { get; }

    /// <summary>Quantises both files, again if they are quantised already.</summary>
    /// <param name="model">The text model's file.</param>
    /// <param name="projector">The picture encoder's file, or null.</param>
    /// <param name="type">Name of a mix (Q8_0, Q4_K_M, …), or <see cref="AsTheyAre"/>.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left behind.</param>
    /// <exception cref="UsageException">There is no such type.</exception>
    public static QuantizedFiles Make(string model, string? projector, string type, CancellationToken cancellationToken)
    {
        if (type.Equals(AsTheyAre, StringComparison.OrdinalIgnoreCase)) return new QuantizedFiles(model, projector, null);
        if (!QuantizationMixes.TryParse(type, out QuantizationMix mix))
            throw new UsageException($"'{type}' is not a weight type; there are {AsTheyAre}, {string.Join(", ", QuantizationMixes.All)}");
        string folder = Directory.CreateTempSubdirectory("tinymllm-").FullName;
        var files = new QuantizedFiles(
            Path.Combine(folder, "model.gguf"), projector is null ? null : Path.Combine(folder, "mmproj.gguf"), folder);
        var options = new QuantizationOptions { Mix = mix, AllowRequantize = true };
        try
        {
            ModelQuantizer.Quantize(model, files.Model, options, cancellationToken: cancellationToken);
            if (projector is not null) ModelQuantizer.Quantize(projector, files.Projector!, options, cancellationToken: cancellationToken);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }
}
