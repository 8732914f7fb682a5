namespace TinyMllm.Loaders.Hub;

/// <summary>What went wrong with a model hub.</summary>
public enum HubError
{
    /// <summary>The name of a repository, revision or file is not one.</summary>
    BadReference,

    /// <summary>The hub has no such repository, revision or file.</summary>
    NotFound,

    /// <summary>The hub wants a token, or the token does not reach this repository.</summary>
    AccessDenied,

    /// <summary>The hub could not be reached, or gave up in the middle, more often than the options allow.</summary>
    Unreachable,

    /// <summary>What arrived is not what the hub had announced.</summary>
    Corrupt,

    /// <summary>No network was allowed and the cache does not hold the file.</summary>
    Offline,

    /// <summary>The file cannot be written: no room, no permission, or another process is at it.</summary>
    Storage,
}

/// <summary>A model could not be listed or downloaded. The message is one line and says what to do.</summary>
public sealed class HubException : TinyMllmException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">The kind of failure.</param>
    /// <param name="message">One line for the user.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public HubException(HubError error, string message, Exception? inner = null)
        : base(TinyMllmErrorKind.Download, message, inner) => Error = error;

    /// <summary>The kind of failure.</summary>
    public HubError Error { get; }
}
