using System.Runtime.CompilerServices;

namespace TinyMllm.Kernels.Formats;

/// <summary>4 bytes inside a block.</summary>
[InlineArray(4)]
internal struct Bytes4
{
    private byte _first;
}

/// <summary>8 bytes inside a block.</summary>
[InlineArray(8)]
internal struct Bytes8
{
    private byte _first;
}

/// <summary>12 bytes inside a block.</summary>
[InlineArray(12)]
internal struct Bytes12
{
    private byte _first;
}

/// <summary>16 bytes inside a block.</summary>
[InlineArray(16)]
internal struct Bytes16
{
    private byte _first;
}

/// <summary>32 bytes inside a block.</summary>
[InlineArray(32)]
internal struct Bytes32
{
    private byte _first;
}

/// <summary>64 bytes inside a block.</summary>
[InlineArray(64)]
internal struct Bytes64
{
    private byte _first;
}

/// <summary>128 bytes inside a block.</summary>
[InlineArray(128)]
internal struct Bytes128
{
    private byte _first;
}
