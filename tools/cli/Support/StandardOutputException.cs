namespace TinyMllm.Cli.Support;

/// <summary>
/// Standard output takes nothing any more. Not an <see cref="IOException"/>: whoever survives a file that cannot be read must not go on
/// working for nobody.
/// </summary>
/// <param name="message">Why, for the user.</param>
/// <param name="closed">Whether its reader left, as <c>head</c> does, which is no error.</param>
internal sealed class StandardOutputException(string message, bool closed) : Exception(message)
{
    public bool Closed => closed;
}
