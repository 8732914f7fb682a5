using System.Text.RegularExpressions;
using TinyMllm.Engine;
using TinyMllm.Kernels.Quantization;
using TinyMllm.Loaders.Gguf;

namespace TinyMllm.Loaders.Gguf.Quantization;

/// <summary>
/// Chooses the type of every tensor of a mix. The rules are those by which the well-known GGUF files are made, so that "Q4_K_M"
/// here means what it means elsewhere: norms and other vectors stay as they are, the output matrix, the value projections and the
/// second matrix of the feed-forward part get more bits, in the first and last eighth of the layers and in every third between
/// (<see cref="MoreBits"/>).
/// <para>
/// Encoder files (mmproj) follow the same rules, with their own list of what stays: everything that is not a plain matrix product.
/// </para>
/// </summary>
internal sealed partial class TensorTypePolicy
{
    private readonly QuantizationMix _mix;
    private readonly bool _pure;
    private readonly bool _hasOutput;
    private readonly bool _isEncoder;
    private readonly bool _isFalcon;
    private readonly bool _is70B;
    private readonly int _layers;
    private readonly int _experts;
    private readonly int _queriesPerKey;
    private readonly int _valueMatrices;
    private int _valueIndex, _downIndex;

    public TensorTypePolicy(GgufFile model, QuantizationMix mix, bool pure)
    {
        (_mix, _pure) = (mix, pure);
        string architecture = model.Architecture;
        var metadata = model.Metadata;
        _isEncoder = architecture == "clip" || metadata.GetString("general.type", "") == "mmproj";
        _isFalcon = architecture == "falcon";
        _hasOutput = model.TryGetTensor("output.weight", out _);
        _valueMatrices = model.Tensors.Count(tensor => IsValue(tensor.Name));

        string prefix = _isEncoder ? "clip.vision" : architecture;
        _layers = metadata.GetInt32($"{prefix}.block_count", 0);
        _experts = metadata.GetInt32($"{prefix}.expert_count", 0);
        int heads = First($"{prefix}.attention.head_count", 1);
        int keyHeads = First($"{prefix}.attention.head_count_kv", heads);
        _queriesPerKey = keyHeads > 0 ? heads / keyHeads : 1;
        _is70B = architecture == "llama" && _layers == 80 && keyHeads != heads;

        int First(string key, int absent) => metadata.TryGetInt32Array(key, out var values) ? values.FirstOrDefault(v => v > 0, absent) : absent;
    }

    /// <summary>
    /// Tensors in the order in which the rules count them, and files are written: outside of layers first, then layer by layer,
    /// each by name.
    /// </summary>
    public static IEnumerable<StoredTensor> Order(IEnumerable<StoredTensor> tensors) =>
        tensors.OrderBy(tensor => Layer(tensor.Name)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal);

    /// <summary>Type for the next tensor; call it for all of them in <see cref="Order"/>, since some rules count.</summary>
    public TensorType Choose(StoredTensor tensor)
    {
        if (!IsMatrix(tensor)) return tensor.Type;
        var main = _mix.MainType();
        var wanted = _pure || !main.IsQuantized() ? main : Mixed(tensor, main);
        return Fit(tensor.Columns, wanted);
    }

    /// <summary>Is the tensor the weight of a matrix product, and one that bears quantising?</summary>
    private bool IsMatrix(StoredTensor tensor)
    {
        string name = tensor.Name;
        int dimensions = tensor.Dimensions.Count;
        while (dimensions > 1 && tensor.Dimensions[dimensions - 1] == 1) dimensions--;
        if (dimensions < 2 || !name.EndsWith("weight", StringComparison.Ordinal) || NeverQuantized().IsMatch(name)) return false;
        return !_isEncoder || (dimensions == 2 && !NeverQuantizedInEncoders().IsMatch(name));
    }

    private TensorType Mixed(StoredTensor tensor, TensorType main)
    {
        string name = tensor.Name;
        bool isEmbedding = name is "token_embd.weight" or "per_layer_token_embd.weight";
        if (name == "output.weight" || (name == "token_embd.weight" && !_hasOutput)) return Output(tensor, main);
        if (_mix == QuantizationMix.MXFP4) return tensor.Dimension(2) > 1 ? TensorType.MXFP4 : TensorType.Q8_0;
        if (isEmbedding) return main is TensorType.TQ1_0 or TensorType.TQ2_0 or TensorType.Q2_0 ? TensorType.Q4_K : main;
        if (IsValue(name)) return Value(_valueIndex++, main);
        if (name.Contains("attn_k.weight")) return _experts == 8 ? TensorType.Q8_0 : main;
        if (name.Contains("attn_q.weight")) return main;
        if (name.Contains("attn_output.weight")) return AttentionOutput(main);
        if (name.Contains("ffn_down")) return Down(_experts > 1 ? Layer(name) : _downIndex++, main);
        return main;
    }

    private TensorType Output(StoredTensor tensor, TensorType main)
    {
        if (_isFalcon || tensor.Columns % main.BlockLength() != 0 || _mix is QuantizationMix.MXFP4 or QuantizationMix.Q8_0) return TensorType.Q8_0;
        return TensorType.Q6_K;
    }

    private TensorType Value(int i, TensorType main)
    {
        var type = _mix switch
        {
            QuantizationMix.Q2_K => _queriesPerKey >= 4 ? TensorType.Q4_K : TensorType.Q3_K,
            QuantizationMix.Q2_K_S when _queriesPerKey >= 4 => TensorType.Q4_K,
            QuantizationMix.Q3_K_M => i < 2 ? TensorType.Q5_K : TensorType.Q4_K,
            QuantizationMix.Q3_K_L => TensorType.Q5_K,
            QuantizationMix.Q4_K_M or QuantizationMix.Q5_K_M when MoreBits(i, _valueMatrices) => TensorType.Q6_K,
            QuantizationMix.Q4_K_S when i < 4 => TensorType.Q5_K,
            QuantizationMix.IQ4_NL or QuantizationMix.IQ4_XS when _queriesPerKey >= 4 => TensorType.Q5_K,
            _ => main,
        };
        if (_is70B && type is (TensorType.Q3_K or TensorType.Q4_K)) type = TensorType.Q5_K;
        return _experts == 8 ? TensorType.Q8_0 : type;
    }

    private TensorType Down(int i, TensorType main) => _mix switch
    {
        QuantizationMix.Q2_K => TensorType.Q3_K,
        QuantizationMix.Q2_K_S when i < _layers / 8 => TensorType.Q4_K,
        QuantizationMix.Q3_K_M when i < _layers / 16 => TensorType.Q5_K,
        QuantizationMix.Q3_K_M when !_isFalcon || MoreBits(i, _layers) => TensorType.Q4_K,
        QuantizationMix.Q3_K_L => _isFalcon ? TensorType.Q4_K : TensorType.Q5_K,
        QuantizationMix.Q4_K_M when _isFalcon => i < _layers / 16 ? TensorType.Q6_K : MoreBits(i, _layers) ? TensorType.Q5_K : main,
        QuantizationMix.Q4_K_M or QuantizationMix.Q5_K_M when MoreBits(i, _layers) => TensorType.Q6_K,
        QuantizationMix.Q4_K_S when !_isFalcon && i < _layers / 8 => TensorType.Q5_K,
        QuantizationMix.IQ4_NL or QuantizationMix.IQ4_XS when i < _layers / 8 => TensorType.Q5_K,
        _ => main,
    };

    private TensorType AttentionOutput(TensorType main) => _mix switch
    {
        QuantizationMix.Q3_K_L when _isFalcon => TensorType.Q4_K,
        _ when _isFalcon => main,
        QuantizationMix.Q2_K or QuantizationMix.Q3_K_S or QuantizationMix.Q3_K_M or QuantizationMix.Q4_K_S or QuantizationMix.Q4_K_M
            or QuantizationMix.IQ4_NL or QuantizationMix.IQ4_XS when _experts == 8 => TensorType.Q5_K,
        _ when _experts == 8 => main,
        QuantizationMix.Q2_K => TensorType.Q3_K,
        QuantizationMix.Q3_K_M => TensorType.Q4_K,
        QuantizationMix.Q3_K_L => TensorType.Q5_K,
        _ => main,
    };

    /// <summary>The first and the last eighth of the layers, and every third between.</summary>
    private static bool MoreBits(int i, int n) => i < n / 8 || i >= 7 * n / 8 || (i - (n / 8)) % 3 == 2;

    /// <summary>The nearest type whose block divides the rows.</summary>
    private static TensorType Fit(int columns, TensorType type)
    {
        if (columns % type.BlockLength() == 0) return type;
        var smaller = type switch
        {
            TensorType.IQ4_XS => TensorType.IQ4_NL,
            TensorType.Q2_K or TensorType.Q3_K or TensorType.TQ1_0 or TensorType.TQ2_0 or TensorType.Q2_0 => TensorType.Q4_0,
            TensorType.Q4_K => TensorType.Q5_0,
            TensorType.Q5_K => TensorType.Q5_1,
            TensorType.Q6_K => TensorType.Q8_0,
            _ => TensorType.F16,
        };
        return columns % smaller.BlockLength() == 0 ? smaller : TensorType.F16;
    }

    private static bool IsValue(string name) =>
        name.Contains("attn_v.weight") || name.Contains("attn_qkv.weight") || name.Contains("attn_kv_b.weight");

    private static int Layer(string name) => LayerNumber().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan) : -1;

    [GeneratedRegex(@"^(?:[av]\.)?blk\.(\d{1,6})\.")]
    private static partial Regex LayerNumber();

    [GeneratedRegex(
        @"_norm\.weight|ffn_gate_inp\.weight|altup|laurel|per_layer_model_proj|ssm_conv1d|shortconv\.conv\.weight" +
        @"|time_mix_(first|w[012]|v[012]|a[012]|g[12]|decay_w[12]|lerp_fused)\.weight|attn_rel_b\.weight" +
        @"|\.position_embd|sam\.pos_embd|sam\.neck\.|sam\.net_|\.rel_pos|\.patch_embd|\.patch_merger|^position_embd\.weight$|^token_types\.weight$")]
    private static partial Regex NeverQuantized();

    /// <summary>Relative positions, and the projection of Gemma 3, which is stored transposed.</summary>
    [GeneratedRegex(@"\.pos_[hw]\.|pos_embed|^mm\.input_projection\.weight$")]
    private static partial Regex NeverQuantizedInEncoders();
}
