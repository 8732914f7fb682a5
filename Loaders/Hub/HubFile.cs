namespace TinyMllm.Loaders.Hub;

/// <summary>One file of a repository, as the hub lists it.</summary>
/// <param name="Path">Path inside the repository, with forward slashes.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Sha256">SHA-256 in lower-case hexadecimal for files in large-file storage (all GGUF files are), else null.</param>
/// <param name="GitOid">Git's own id of the file (SHA-1 over <c>"blob SIZE\0"</c> and the content) for small files, else null.</param>
public sealed record HubFile(string Path, long Size, string? Sha256, string? GitOid = null)
{
    /// <summary>File name without folders.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>Whether the name says that this is a picture encoder with projector (<c>mmproj</c>).</summary>
    public bool IsProjector => Name.Contains("mmproj", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether this is a GGUF file.</summary>
    public bool IsGguf => Name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A model that lies on this machine.</summary>
/// <param name="Reference">What was asked for.</param>
/// <param name="ModelPath">The language model's GGUF file (the first part, if it is split).</param>
/// <param name="ProjectorPath">The picture encoder's GGUF file, or null for a text model.</param>
public sealed record HubModel(HubReference Reference, string ModelPath, string? ProjectorPath);

/// <summary>What a download is doing.</summary>
public enum HubStage
{
    /// <summary>Bytes are arriving.</summary>
    Downloading,

    /// <summary>The connection broke; the next attempt is being waited for.</summary>
    Retrying,

    /// <summary>The file is complete, checked and in its place.</summary>
    Done,
}

/// <summary>Progress of one file.</summary>
/// <param name="File">Path inside the repository; the repository's name while its list of files is asked for.</param>
/// <param name="Bytes">Bytes on this machine so far, those of earlier attempts included.</param>
/// <param name="Total">Length of the file in bytes; 0 while it is not known.</param>
/// <param name="Stage">What is happening.</param>
public readonly record struct HubProgress(string File, long Bytes, long Total, HubStage Stage);
