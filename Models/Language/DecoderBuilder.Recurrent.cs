using TinyMllm.Engine;
using TinyMllm.Engine.Decoding;

namespace TinyMllm.Language;

/// <summary>Convolutions and recurrences.</summary>
internal sealed partial class DecoderBuilder
{
    /// <summary>LFM2's gated short convolution of layer <paramref name="layer"/>.</summary>
    public Recipe<ITokenMixer> ShortConvolution(int layer)
    {
        int taps = Config.ShortConvolutionKernel;
        if (taps < 2) throw new UnsupportedModelException($"key '{Config.Architecture}.shortconv.l_cache' is {taps}, expected 2 or more");
        var input = Matrix(Name(layer, "shortconv.in_proj"), Width, 3 * Width);
        var convolution = Tensors.Get(Name(layer, "shortconv.conv.weight"), taps, Width);
        var output = Matrix(Name(layer, "shortconv.out_proj"), Width, Width);
        return () => new ShortConvolution(input(), new CausalConvolutionLayer(convolution, null), output());
    }

    /// <summary>Mamba's mixer of layer <paramref name="layer"/>.</summary>
    public Recipe<ITokenMixer> SelectiveStateSpace(int layer)
    {
        var c = StateSpace;
        int channels = c.InnerSize, states = c.StateSize, rank = c.TimeStepRank;
        var input = Matrix(Name(layer, "ssm_in"), Width, 2 * channels);
        var convolution = WeightAndBias(Name(layer, "ssm_conv1d"), c.ConvolutionKernel, channels);
        var selection = Matrix(Name(layer, "ssm_x"), channels, rank + (2 * states));
        var timeStep = Matrix(Name(layer, "ssm_dt"), rank, channels);
        var rates = Tensors.Get(Name(layer, "ssm_a"), states, channels);
        var skip = Tensors.Get(Name(layer, "ssm_d"), channels);
        var output = Matrix(Name(layer, "ssm_out"), channels, Width);
        return () => new SelectiveStateSpace(new SelectiveStateSpaceParts
        {
            Input = input(),
            Convolution = new CausalConvolutionLayer(convolution.Weight, convolution.Bias),
            Selection = selection(),
            TimeStep = timeStep(),
            Rates = rates.DecodeToBuffer(),
            Skip = skip.DecodeToBuffer(),
            Output = output(),
            SelectionNorm = c.NormalizesProjections ? new RmsNorm(null, Config.Epsilon) : null,
            StateSize = states,
        });
    }

    /// <summary>Mamba 2's mixer of layer <paramref name="layer"/>.</summary>
    public Recipe<ITokenMixer> StateSpaceDuality(int layer)
    {
        var c = StateSpace;
        int channels = c.InnerSize, heads = c.TimeStepRank, convolved = channels + (2 * c.Groups * c.StateSize);
        if (channels % heads != 0 || heads % c.Groups != 0)
        {
            throw new UnsupportedModelException(
                $"{Config.Architecture}: {channels} channels, {heads} heads and {c.Groups} groups do not divide");
        }

        var input = Matrix(Name(layer, "ssm_in"), Width, channels + convolved + heads);
        var convolution = WeightAndBias(Name(layer, "ssm_conv1d"), c.ConvolutionKernel, convolved);
        var timeStepBias = Tensors.Get(Name(layer, "ssm_dt.bias"), heads);
        var rates = Tensors.Get(Name(layer, "ssm_a"), 1, heads);
        var skip = Tensors.Get(Name(layer, "ssm_d"), 1, heads);
        var norm = Tensors.Get(Name(layer, "ssm_norm.weight"), channels / c.Groups, c.Groups);
        var output = Matrix(Name(layer, "ssm_out"), channels, Width);
        return () => new StateSpaceDuality(new StateSpaceDualityParts
        {
            Input = input(),
            Convolution = new CausalConvolutionLayer(convolution.Weight, convolution.Bias),
            TimeStepBias = timeStepBias.DecodeToBuffer(),
            Rates = rates.DecodeToBuffer(),
            Skip = skip.DecodeToBuffer(),
            Norm = new RmsNorm(norm, Config.Epsilon),
            Output = output(),
            Groups = c.Groups,
            StateSize = c.StateSize,
        });
    }

    /// <summary>Gated delta net of layer <paramref name="layer"/> (Qwen3.5).</summary>
    public Recipe<ITokenMixer> GatedDeltaNet(int layer)
    {
        var c = StateSpace;
        int size = c.StateSize, keyHeads = c.Groups, valueHeads = c.TimeStepRank;
        int values = size * valueHeads, convolved = (2 * size * keyHeads) + values;
        if (c.InnerSize != values)
        {
            throw new UnsupportedModelException(
                $"key '{Config.Architecture}.ssm.inner_size' is {c.InnerSize}, expected {valueHeads} heads of {size}");
        }

        var queryKeyValue = WeightAndBias(Name(layer, "attn_qkv"), Width, convolved);
        var gate = WeightAndBias(Name(layer, "attn_gate"), Width, values);
        var beta = WeightAndBias(Name(layer, "ssm_beta"), Width, valueHeads);
        var alpha = WeightAndBias(Name(layer, "ssm_alpha"), Width, valueHeads);
        var convolution = Tensors.Get(Name(layer, "ssm_conv1d.weight"), c.ConvolutionKernel, convolved);
        var decayBias = Tensors.Get(Name(layer, "ssm_dt.bias"), valueHeads);
        var rates = Tensors.Get(Name(layer, "ssm_a"), valueHeads);
        var norm = RmsNorm(Name(layer, "ssm_norm"), size);
        var output = Matrix(Name(layer, "ssm_out"), values, Width);
        return () => new GatedDeltaNet(new GatedDeltaNetParts
        {
            Input = Linear.Fuse(Weights, queryKeyValue, gate, beta, alpha),
            Convolution = new CausalConvolutionLayer(convolution, null),
            DecayBias = decayBias.DecodeToBuffer(),
            Rates = rates.DecodeToBuffer(),
            Norm = norm(),
            Output = output(),
            KeyHeads = keyHeads,
            ValueHeads = valueHeads,
            HeadSize = size,
            Epsilon = Config.Epsilon,
            ClampsLengths = FollowsLlamaCpp,
        });
    }

    private StateSpaceConfig StateSpace =>
        Config.StateSpace ?? throw new UnsupportedModelException($"key '{Config.Architecture}.ssm.inner_size' is missing");
}
