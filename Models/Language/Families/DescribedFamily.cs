namespace TinyMllm.Language.Families;

/// <summary>A family that an app has described (<see cref="ModelFamilies"/>).</summary>
internal sealed class DescribedFamily(string architecture, DecoderDescription description) : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => [architecture];

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b)
    {
        var rotary = description.Rotary is { } pairing
            ? b.Rotary(new RotaryTraits { Pairing = pairing, ReadsFactors = description.ReadsRotaryFactors })
            : null;
        return b.RmsDecoder(i => b.RmsBlock(
            i,
            b.Attention(i, new AttentionTraits
            {
                Rotary = rotary, Norm = description.QueryKeyNorm, Scale = description.AttentionScale,
                SoftCap = description.AttentionSoftCap, Window = description.Window?.Invoke(i) ?? 0,
            }),
            b.Config.Experts is not null ? b.Experts(i, description.NormalizesExperts, b.Config.FeedForwardLength[i])
                : description.IsGated ? b.GatedMlp(i, description.Activation) : b.Mlp(i, description.Activation)));
    }
}

/// <summary>A family under another name (<see cref="ModelFamilies"/>).</summary>
internal sealed class AliasFamily(string architecture, LanguageFamily known) : LanguageFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Architectures => [architecture];

    /// <inheritdoc/>
    public override float? DefaultEpsilon(string _) => known.DefaultEpsilon(known.Architectures[0]);

    /// <inheritdoc/>
    public override DecoderPlan Plan(DecoderBuilder b) => known.Plan(b);
}
