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

    private StateSpaceConfig StateSpace =>
        Config.StateSpace ?? throw new UnsupportedModelException($"key '{Config.Architecture}.ssm.inner_size' is missing");
}
