using TinyMllm.Engine;
using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Language;

/// <summary>Mixtures of experts.</summary>
internal sealed partial class DecoderBuilder
{
    /// <summary>
    /// Mixture of experts of layer <paramref name="layer"/>: <c>ffn_gate_inp</c> chooses among <c>ffn_gate_exps</c>, <c>ffn_up_exps</c> (or
    /// <c>ffn_gate_up_exps</c>) and <c>ffn_down_exps</c>; <c>ffn_*_shexp</c> is the expert that all tokens use.
    /// </summary>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="normalize">Whether the weights sum to one, where the file does not say.</param>
    /// <param name="defaultWidth">Inner width of an expert, where the file does not say.</param>
    /// <param name="defaultGate">How scores become probabilities, where the file does not say.</param>
    public IFeedForward Experts(int layer, bool normalize, int defaultWidth, ExpertGate defaultGate = ExpertGate.Softmax)
    {
        var config = Config.Experts
            ?? throw new UnsupportedModelException($"{Config.Architecture}: key '{Config.Architecture}.expert_count' is missing");
        int count = config.Count;
        int width = config.FeedForwardLength > 0 ? config.FeedForwardLength : defaultWidth;
        Linear router = Weights.Linear(Name(layer, "ffn_gate_inp"), Width, count);
        float[] selectionBias = Weights.Find(Name(layer, "exp_probs_b.bias"), count) is { } bias ? Floats(bias) : [];
        var networks = ExpertNetworks(layer, count, width);
        var shared = SharedExpert(layer, config, width);
        var sharedGate = Weights.Find(Name(layer, "ffn_gate_inp_shexp.weight"), Width);
        var routing = new ExpertRouting(
            config.Used,
            config.Gating == 0 ? defaultGate : (ExpertGate)config.Gating,
            config.WeightsNorm ?? normalize,
            config.WeightsScale,
            config.Groups,
            config.GroupsUsed);
        return new MixtureOfExperts(router, selectionBias, networks, routing, shared, sharedGate is null ? null : Weights.Linear(sharedGate));
    }

    private IFeedForward[] ExpertNetworks(int layer, int count, int width)
    {
        var down = Weights.Get(Name(layer, "ffn_down_exps.weight"), width, Width, count);
        var fused = Weights.Find(Name(layer, "ffn_gate_up_exps.weight"), Width, 2 * width, count);
        var gate = fused ?? Weights.Get(Name(layer, "ffn_gate_exps.weight"), Width, width, count);
        var up = fused ?? Weights.Get(Name(layer, "ffn_up_exps.weight"), Width, width, count);
        var networks = new IFeedForward[count];
        for (int e = 0; e < count; e++)
        {
            Linear gateUp = fused is not null ? Weights.Linear(fused.Slab(e)) : Weights.Fuse((gate.Slab(e), null), (up.Slab(e), null));
            networks[e] = new GatedMlp(gateUp, Weights.Linear(down.Slab(e)), Activation.Silu);
        }

        return networks;
    }

    private IFeedForward? SharedExpert(int layer, ExpertConfig config, int width)
    {
        if (!Has(layer, "ffn_up_shexp.weight")) return null;
        int shared = config.SharedCount > 0 ? width * config.SharedCount : config.SharedFeedForwardLength;
        return GatedMlp(layer, Activation.Silu, suffix: "_shexp", width: shared);
    }
}
