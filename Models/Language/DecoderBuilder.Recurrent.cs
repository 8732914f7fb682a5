using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language;

/// <summary>Convolutions and recurrences.</summary>
internal sealed partial class DecoderBuilder
{
    /// <summary>LFM2's gated short convolution of layer <paramref name="layer"/>.</summary>
    public ITokenMixer ShortConvolution(int layer)
    {
        int taps = Config.ShortConvolutionKernel;
        if (taps < 2) throw new UnsupportedModelException($"key '{Config.Architecture}.shortconv.l_cache' is {taps}, expected 2 or more");
        var input = Weights.Linear(Name(layer, "shortconv.in_proj"), Width, 3 * Width);
        var convolution = Convolution(Name(layer, "shortconv.conv"), taps, Width);
        var output = Weights.Linear(Name(layer, "shortconv.out_proj"), Width, Width);
        return new ShortConvolution(input, convolution, output);
    }

    /// <summary>Mamba's mixer of layer <paramref name="layer"/>.</summary>
    public ITokenMixer SelectiveStateSpace(int layer)
    {
        var c = StateSpace;
        int channels = c.InnerSize, states = c.StateSize, rank = c.TimeStepRank;
        var input = Weights.Linear(Name(layer, "ssm_in"), Width, 2 * channels);
        var convolution = Convolution(Name(layer, "ssm_conv1d"), c.ConvolutionKernel, channels);
        var selection = Weights.Linear(Name(layer, "ssm_x"), channels, rank + (2 * states));
        var timeStep = Weights.Linear(Name(layer, "ssm_dt"), rank, channels);
        var rates = Weights.Floats(Weights.Get(Name(layer, "ssm_a"), states, channels));
        var skip = Weights.Floats(Weights.Get(Name(layer, "ssm_d"), channels));
        var output = Weights.Linear(Name(layer, "ssm_out"), channels, Width);
        return new SelectiveStateSpace
        {
            Input = input,
            Convolution = convolution,
            Selection = selection,
            TimeStep = timeStep,
            Rates = rates,
            Skip = skip,
            Output = output,
            SelectionNorm = c.NormalizesProjections ? new RmsNorm(Config.Epsilon) : null,
            StateSize = states,
        };
    }

    /// <summary>Mamba 2's mixer of layer <paramref name="layer"/>.</summary>
    public ITokenMixer StateSpaceDuality(int layer)
    {
        var c = StateSpace;
        int channels = c.InnerSize, heads = c.TimeStepRank, convolved = channels + (2 * c.Groups * c.StateSize);
        if (channels % heads != 0 || heads % c.Groups != 0)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: {channels} channels, {heads} heads and {c.Groups} groups do not divide");
        }

        var input = Weights.Linear(Name(layer, "ssm_in"), Width, channels + convolved + heads);
        var convolution = Convolution(Name(layer, "ssm_conv1d"), c.ConvolutionKernel, convolved);
        var timeStepBias = Weights.Floats(Weights.Get(Name(layer, "ssm_dt.bias"), heads));
        var rates = Weights.Floats(Weights.Get(Name(layer, "ssm_a"), 1, heads));
        var skip = Weights.Floats(Weights.Get(Name(layer, "ssm_d"), 1, heads));
        var norm = new RmsNorm(Config.Epsilon, Weights.Floats(Weights.Get(Name(layer, "ssm_norm.weight"), channels / c.Groups, c.Groups)));
        var output = Weights.Linear(Name(layer, "ssm_out"), channels, Width);
        return new StateSpaceDuality
        {
            Input = input,
            Convolution = convolution,
            TimeStepBias = timeStepBias,
            Rates = rates,
            Skip = skip,
            Norm = norm,
            Output = output,
            Groups = c.Groups,
            StateSize = c.StateSize,
        };
    }

    /// <summary>Gated delta net of layer <paramref name="layer"/> (Qwen3.5).</summary>
    public ITokenMixer GatedDeltaNet(int layer)
    {
        var c = StateSpace;
        int size = c.StateSize, keyHeads = c.Groups, valueHeads = c.TimeStepRank;
        int values = size * valueHeads, convolved = (2 * size * keyHeads) + values;
        if (c.InnerSize != values)
        {
            throw new UnsupportedModelException(
                $"key '{Config.Architecture}.ssm.inner_size' is {c.InnerSize}, expected {valueHeads} heads of {size}");
        }

        var queryKeyValue = Weights.Pair(Name(layer, "attn_qkv"), Width, convolved);
        var gate = Weights.Pair(Name(layer, "attn_gate"), Width, values);
        var beta = Weights.Pair(Name(layer, "ssm_beta"), Width, valueHeads);
        var alpha = Weights.Pair(Name(layer, "ssm_alpha"), Width, valueHeads);
        var convolution = Convolution(Name(layer, "ssm_conv1d"), c.ConvolutionKernel, convolved);
        var decayBias = Weights.Floats(Weights.Get(Name(layer, "ssm_dt.bias"), valueHeads));
        var rates = Weights.Floats(Weights.Get(Name(layer, "ssm_a"), valueHeads));
        var norm = RmsNorm(Name(layer, "ssm_norm"), size);
        var output = Weights.Linear(Name(layer, "ssm_out"), values, Width);
        return new GatedDeltaNet
        {
            Input = Weights.Fuse(queryKeyValue, gate, beta, alpha),
            Convolution = convolution,
            DecayBias = decayBias,
            Rates = rates,
            Norm = norm,
            Output = output,
            KeyHeads = keyHeads,
            ValueHeads = valueHeads,
            HeadSize = size,
            Epsilon = Config.Epsilon,
            ClampsLengths = Follows(Quirks.ClampedLengths),
        };
    }

    private CausalConvolutionLayer Convolution(string prefix, int taps, int channels)
    {
        var (weight, bias) = Weights.Pair(prefix, taps, channels);
        return Weights.Own(new CausalConvolutionLayer(weight, bias));
    }

    private StateSpaceConfig StateSpace =>
        Config.StateSpace ?? throw new UnsupportedModelException($"key '{Config.Architecture}.ssm.inner_size' is missing");
}
