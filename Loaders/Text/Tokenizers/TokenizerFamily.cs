namespace TinyMllm.Loaders.Text.Tokenizers;

/// <summary>How a vocabulary cuts text; from <c>tokenizer.ggml.model</c>.</summary>
internal enum TokenizerFamily
{
    /// <summary><c>llama</c>: pairs merged by token score (SentencePiece BPE).</summary>
    SentencePiece,

    /// <summary><c>gpt2</c>: words cut by patterns, pairs merged by rank.</summary>
    BytePair,

    /// <summary><c>bert</c>: longest known prefix of each word.</summary>
    WordPiece,

    /// <summary><c>t5</c>: the most probable segmentation (SentencePiece unigram).</summary>
    Unigram,
}
