namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>Names of the metadata that describe a vocabulary (docs/formats/tokenizers.md#metadata).</summary>
internal static class TokenizerKeys
{
    public const string Model = "tokenizer.ggml.model";
    public const string PreTokenizer = "tokenizer.ggml.pre";
    public const string Tokens = "tokenizer.ggml.tokens";
    public const string Scores = "tokenizer.ggml.scores";
    public const string Types = "tokenizer.ggml.token_type";
    public const string Merges = "tokenizer.ggml.merges";
    public const string Bos = "tokenizer.ggml.bos_token_id";
    public const string Eos = "tokenizer.ggml.eos_token_id";
    public const string Eot = "tokenizer.ggml.eot_token_id";
    public const string Eom = "tokenizer.ggml.eom_token_id";
    public const string Unknown = "tokenizer.ggml.unknown_token_id";
    public const string Separator = "tokenizer.ggml.seperator_token_id"; // sic
    public const string Padding = "tokenizer.ggml.padding_token_id";
    public const string Mask = "tokenizer.ggml.mask_token_id";
    public const string FimPad = "tokenizer.ggml.fim_pad_token_id";
    public const string FimRepository = "tokenizer.ggml.fim_rep_token_id";
    public const string FimSeparator = "tokenizer.ggml.fim_sep_token_id";
    public const string AddBos = "tokenizer.ggml.add_bos_token";
    public const string AddEos = "tokenizer.ggml.add_eos_token";
    public const string AddSpacePrefix = "tokenizer.ggml.add_space_prefix";
    public const string Lowercase = "tokenizer.ggml.normalizer.lowercase";
    public const string StripAccents = "tokenizer.ggml.normalizer.strip_accents";
    public const string Prefix = "tokenizer.ggml.";
    public const string IdSuffix = "_token_id";
    public const string SuppressTokens = "tokenizer.ggml.suppress_tokens";
    public const string ModelName = "general.name";
}
