namespace TinyMllm.Generation;

/// <summary>Turns tokens into text as they come, whole characters only.</summary>
internal interface ITokenText
{
    /// <summary>The characters that this token completes.</summary>
    string Push(int token);

    /// <summary>At the end: what is left of an unfinished character.</summary>
    string Flush();
}
