namespace TinyMllm.Engine.Decoding;

/// <summary>
/// One layer of a decoder: x += s·post(mix(norm(x))), then x += s·post(feed(norm(x))). Without a norm of its own the
/// feed-forward part reads what the mixer read (the parallel form of Phi-2 and StableLM 2).
/// </summary>
internal sealed record DecoderBlock
{
    /// <summary>Normalisation before the mixer.</summary>
    public required INorm MixerNorm { get; init; }

    /// <summary>Attention, convolution or recurrence.</summary>
    public required ITokenMixer Mixer { get; init; }

    /// <summary>Normalisation of what the mixer adds; null = none.</summary>
    public INorm? MixerPostNorm { get; init; }

    /// <summary>Normalisation before the feed-forward part; null = it reads the mixer's input.</summary>
    public INorm? FeedForwardNorm { get; init; }

    /// <summary>Feed-forward part; null = none (Mamba).</summary>
    public IFeedForward? FeedForward { get; init; }

    /// <summary>Normalisation of what the feed-forward part adds; null = none.</summary>
    public INorm? FeedForwardPostNorm { get; init; }

    /// <summary>Factor of both branches.</summary>
    public float ResidualScale { get; init; } = 1;

    /// <summary>Mixer of picture rows, sharing the cache (CogVLM); null = the same.</summary>
    public ITokenMixer? PictureMixer { get; init; }

    /// <summary>Feed-forward part of picture rows (CogVLM); null = the same.</summary>
    public IFeedForward? PictureFeedForward { get; init; }

    /// <summary>Runs the block over a chunk of tokens.</summary>
    /// <param name="pass">Positions and scratch.</param>
    /// <param name="cache">The layer's cache.</param>
    /// <param name="x">The residual stream, one row per token; updated in place.</param>
    /// <param name="picture">Whether the rows are a picture's.</param>
    public void Forward(in DecoderPass pass, KvLayer cache, Matrix x, bool picture)
    {
        var workspace = pass.Workspace;
        using (workspace.Frame())
        {
            var h = workspace.Rent(x.Rows, x.Columns);
            MixerNorm.Forward(workspace, x, h);
            var mixer = picture && PictureMixer is not null ? PictureMixer : Mixer;
            if (AddsDirectly(MixerPostNorm))
            {
                // The parallel form reads h again below, so the sum goes to x only.
                mixer.Forward(pass, cache, h, x, add: true);
            }
            else
            {
                var branch = workspace.Rent(x.Rows, x.Columns);
                mixer.Forward(pass, cache, h, branch, add: false);
                AddBranch(workspace, MixerPostNorm, branch, x);
            }

            var feed = picture && PictureFeedForward is not null ? PictureFeedForward : FeedForward;
            if (feed is null) return;
            FeedForwardNorm?.Forward(workspace, x, h);
            if (AddsDirectly(FeedForwardPostNorm))
            {
                feed.Forward(workspace, h, x, add: true);
            }
            else
            {
                var branch = workspace.Rent(x.Rows, x.Columns);
                feed.Forward(workspace, h, branch, add: false);
                AddBranch(workspace, FeedForwardPostNorm, branch, x);
            }
        }
    }

    private bool AddsDirectly(INorm? postNorm) => postNorm is null && ResidualScale == 1;

    private void AddBranch(Workspace workspace, INorm? postNorm, Matrix branch, Matrix x)
    {
        postNorm?.Forward(workspace, branch, branch);
        Activations.Add(workspace, branch, x, ResidualScale);
    }
}
