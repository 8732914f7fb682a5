using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Vision.Transformer;

/// <summary>What differs between the vision transformers of the families and is not told by the file's tensors.</summary>
internal sealed record TransformerOptions
{
    /// <summary>Norm of the encoder.</summary>
    public NormKind Norm { get; init; } = NormKind.Layer;

    /// <summary>Activation of the feed-forward layers; null: the one the file's flags name.</summary>
    public Activation? Activation { get; init; }

    /// <summary>Blocks to run; null: all that the file says it has.</summary>
    public int? Blocks { get; init; }

    /// <summary>Rotary embedding of queries and keys.</summary>
    public RotaryEmbedding? Rotary { get; init; }

    /// <summary>Whether axis 0 of the rotary embedding is the column (true) or the row.</summary>
    public bool RotaryColumnFirst { get; init; }

    /// <summary>How the table of learned positions is fitted to a grid.</summary>
    public PositionFitting Positions { get; init; } = PositionFitting.Exact;

    /// <summary>Where the class token stands, for files that have one.</summary>
    public bool ClassTokenFirst { get; init; } = true;

    /// <summary>Norms stand behind the sublayers instead of before them (CogVLM).</summary>
    public bool NormsBehind { get; init; }

    /// <summary>Old files of this family may have the two feed-forward matrices under each other's names.</summary>
    public bool FeedForwardNamesMayBeSwapped { get; init; }
}

/// <summary>How a table of learned positions is fitted to the grid of a picture.</summary>
internal enum PositionFitting
{
    /// <summary>The table has a row for every patch (and the class token).</summary>
    Exact,

    /// <summary>Antialiased linear resampling.</summary>
    AntialiasedLinear,

    /// <summary>Linear resampling with the corners aligned.</summary>
    CornerLinear,

    /// <summary>Cubic resampling.</summary>
    Cubic,

    /// <summary>The nearest row to the upper left of a square table: patch (i, j) of H×W takes row ⌊g·i/H⌋, column ⌊g·j/W⌋.</summary>
    Buckets,
}
