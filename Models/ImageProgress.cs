namespace TinyMllm;

/// <summary>How far the encoding of a prompt's pictures has come.</summary>
/// <param name="TilesDone">Tiles that are encoded, or were already for an earlier question.</param>
/// <param name="Tiles">Tiles of all pictures of the prompt that are not in the conversation yet.</param>
/// <param name="Fraction">Share of the tiles' work that is done, 0 to 1; grows with every block of the encoder.</param>
public readonly record struct ImageProgress(int TilesDone, int Tiles, double Fraction);
