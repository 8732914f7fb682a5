namespace TinyMllm.Loaders.Text.Grammars;

/// <summary>A grammar or JSON schema cannot be used; the message says where and why.</summary>
public sealed class GrammarException(string message) : TinyMllmException(TinyMllmErrorKind.InvalidGrammar, message);
