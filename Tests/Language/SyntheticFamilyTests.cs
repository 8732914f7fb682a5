using TinyMllm.Engine;
using TinyMllm.Language;
using TinyMllm.Language.Families;
using TinyMllm.Loaders.Gguf;
using TinyMllm.Tests.Support;

namespace TinyMllm.Tests.Language;

/// <summary>
/// Architectures that no golden covers: their files load, and a prompt at once, in chunks and token by token ends in the same finite
/// logits.
/// </summary>
public class SyntheticFamilyTests
{
    private static readonly int[] Prompt = [1, 2, 3, 5, 8, 13, 21, 34, 16, 11, 27];

    private static readonly LanguageModelOptions Exact = new() { Weights = new WeightOptions { Activations = ActivationPrecision.Float32 } };

    private static readonly GgufValue Sections = GgufValue.From([1, 2, 1, 0]);

    private static readonly Dictionary<string, Func<SyntheticModel>> Models = new()
    {
        ["mistral3"] = () => new SyntheticModel("mistral3").Usual().Key("attention.temperature_scale", 0.1f)
            .Key("rope.scaling.type", GgufValue.From("yarn")).Key("rope.scaling.factor", 4f).Key("rope.scaling.original_context_length", 4)
            .Layer((m, p) => m.Attention(p).Dense(p)),
        ["ernie4_5"] = () => new SyntheticModel("ernie4_5").Usual().Layer((m, p) => m.Attention(p).Dense(p)),
        ["glm4"] = () => new SyntheticModel("glm4").Usual().Key("rope.dimension_count", 4).Key("rope.dimension_sections", Sections)
            .Layer((m, p) => m.Attention(p).Norm(p + "post_attention_norm.weight", 32).Norm(p + "post_ffw_norm.weight", 32)
                .Norm(p + "ffn_norm.weight", 32).Tensor(p + "ffn_up.weight", 32, 96).Tensor(p + "ffn_down.weight", 48, 32)),
        ["hunyuan_vl"] = () => new SyntheticModel("hunyuan_vl").Usual().Key("rope.scaling.alpha", 1000f).Key("rope.dimension_sections", Sections)
            .Layer((m, p) => m.Attention(p).Norm(p + "attn_q_norm.weight", 8).Norm(p + "attn_k_norm.weight", 8).Dense(p)),
        ["qwen3vlmoe"] = () => new SyntheticModel("qwen3vlmoe").Usual().Key("rope.dimension_sections", Sections).Key("n_deepstack_layers", 1)
            .Key("expert_count", 4).Key("expert_used_count", 2).Key("expert_feed_forward_length", 24)
            .Layer((m, p) => m.Attention(p).Norm(p + "attn_q_norm.weight", 8).Norm(p + "attn_k_norm.weight", 8).Experts(p)),
        ["granitemoe"] = () => new SyntheticModel("granitemoe").Usual().Key("logit_scale", 4f).Key("residual_scale", 0.3f).Key("embedding_scale", 6f)
            .Key("expert_count", 4).Key("expert_used_count", 2).Key("expert_feed_forward_length", 24).Key("expert_shared_feed_forward_length", 16)
            .Key("rope.scaling.finetuned", GgufValue.From(false))
            .Layer((m, p) => m.Attention(p).Experts(p)
                .Tensor(p + "ffn_gate_shexp.weight", 32, 16).Tensor(p + "ffn_up_shexp.weight", 32, 16).Tensor(p + "ffn_down_shexp.weight", 16, 32)),
        ["deepseek"] = () => new SyntheticModel("deepseek").Usual().Key("leading_dense_block_count", 1).Key("expert_shared_count", 2)
            .Key("expert_count", 4).Key("expert_used_count", 2).Key("expert_feed_forward_length", 24).Key("expert_weights_scale", 2f)
            .Layer((m, p) => m.Attention(p)).Layer((m, p) => m.Dense(p), to: 1)
            .Layer(
                (m, p) => m.Experts(p)
                    .Tensor(p + "ffn_gate_shexp.weight", 32, 48).Tensor(p + "ffn_up_shexp.weight", 32, 48).Tensor(p + "ffn_down_shexp.weight", 48, 32),
                from: 1),
        ["phimoe"] = () => new SyntheticModel("phimoe").Usual().Key("expert_count", 4).Key("expert_used_count", 2)
            .Tensor("output_norm.bias", 32).Tensor("output.weight", 32, 40).Tensor("output.bias", 40)
            .Layer((m, p) => m.Attention(p).Tensor(p + "attn_norm.bias", 32).Tensor(p + "attn_q.bias", 32).Tensor(p + "attn_output.bias", 32)
                .Experts(p, inner: 48).Tensor(p + "ffn_norm.bias", 32)),
        ["lfm2moe"] = () => new SyntheticModel("lfm2moe").Usual().Key("attention.head_count_kv", GgufValue.From([0, 2])).Key("shortconv.l_cache", 3)
            .Key("expert_count", 4).Key("expert_used_count", 2).Key("expert_feed_forward_length", 24).Key("leading_dense_block_count", 1)
            .Norm("blk.0.attn_norm.weight", 32).Tensor("blk.0.shortconv.in_proj.weight", 32, 96).Tensor("blk.0.shortconv.conv.weight", 3, 32)
            .Tensor("blk.0.shortconv.out_proj.weight", 32, 32).Dense("blk.0.")
            .Attention("blk.1.").Norm("blk.1.attn_q_norm.weight", 8).Norm("blk.1.attn_k_norm.weight", 8).Experts("blk.1.").Tensor("blk.1.exp_probs_b.bias", 4),
        ["mamba2"] = () => new SyntheticModel("mamba2").Usual(heads: 0, kvHeads: 0).Key("ssm.conv_kernel", 4).Key("ssm.inner_size", 64)
            .Key("ssm.state_size", 16).Key("ssm.time_step_rank", 4).Key("ssm.group_count", 2)
            .Layer((m, p) => m.Norm(p + "attn_norm.weight", 32).Tensor(p + "ssm_in.weight", 32, 196).Tensor(p + "ssm_conv1d.weight", 4, 128)
                .Tensor(p + "ssm_conv1d.bias", 128).Tensor(p + "ssm_dt.bias", 4).Scaled(p + "ssm_a", 0.4f, -0.6f, 1, 4).Tensor(p + "ssm_d", 1, 4)
                .Norm(p + "ssm_norm.weight", 32, 2).Tensor(p + "ssm_out.weight", 64, 32)),
        ["qwen35"] = () => new SyntheticModel("qwen35").Usual(heads: 4, kvHeads: 2).Key("rope.dimension_sections", Sections).Key("rope.dimension_count", 8)
            .Key("attention.key_length", 16).Key("attention.value_length", 16).Key("full_attention_interval", 2)
            .Key("ssm.conv_kernel", 4).Key("ssm.inner_size", 64).Key("ssm.state_size", 16).Key("ssm.time_step_rank", 4).Key("ssm.group_count", 2)
            .Layer((m, p) => m.Dense(p, norm: "post_attention_norm"))
            .Layer(
                (m, p) => m.Norm(p + "attn_norm.weight", 32).Tensor(p + "attn_qkv.weight", 32, 128).Tensor(p + "attn_gate.weight", 32, 64)
                    .Tensor(p + "ssm_beta.weight", 32, 4).Tensor(p + "ssm_alpha.weight", 32, 4).Tensor(p + "ssm_dt.bias", 4)
                    .Scaled(p + "ssm_a", 0.4f, -0.6f, 4).Tensor(p + "ssm_conv1d.weight", 4, 128).Norm(p + "ssm_norm.weight", 16)
                    .Tensor(p + "ssm_out.weight", 64, 32),
                to: 1)
            .Layer(
                (m, p) => m.Attention(p, headSize: 16).Tensor(p + "attn_q.weight", 32, 128)
                    .Norm(p + "attn_q_norm.weight", 16).Norm(p + "attn_k_norm.weight", 16),
                from: 1),
        ["deepseek2"] = () => DeepSeek2().Key("attention.key_length", 12).Key("attention.value_length", 10)
            .Layer((m, p) => m.Tensor(p + "attn_kv_b.weight", 16, 4 * (8 + 10))),
        ["deepseek2 split"] = () => DeepSeek2().Key("attention.key_length", 20).Key("attention.value_length", 16)
            .Key("attention.key_length_mla", 12).Key("attention.value_length_mla", 10)
            .Layer((m, p) => m.Tensor(p + "attn_k_b.weight", 8, 16, 4).Tensor(p + "attn_v_b.weight", 16, 10, 4)),
    };

    private static IEnumerable<string> Architectures => Models.Keys;

    [TestCaseSource(nameof(Architectures))]
    public void APromptAtOnceInChunksAndTokenByTokenEndsAlike(string architecture)
    {
        using var synthetic = Models[architecture]();
        var file = synthetic.Open();
        Assert.That(LanguageModel.Supports(file, out string reason), reason);
        float[] whole = Read(file, Exact, Prompt.Length);
        Assert.That(whole, Is.All.Matches<float>(float.IsFinite));
        Assert.That(whole.Max() - whole.Min(), Is.GreaterThan(0.01f));
        Assert.That(Read(file, Exact with { ChunkLength = 4 }, Prompt.Length), Is.EqualTo(whole).Within(1e-4));
        Assert.That(Read(file, Exact, 1), Is.EqualTo(whole).Within(1e-4));
    }

    [Test]
    public void EveryArchitectureIsTestedSomewhere()
    {
        var golden = new[] { "llm", "vlm" }.SelectMany(kind => Golden.Folders(kind).Select(name => Golden.Path($"{kind}/{name}/model.gguf")))
            .Select(path =>
            {
                using var file = GgufFile.Open(path);
                return file.Architecture;
            });
        Assert.That(LanguageFamilies.Architectures.Except(golden).Except(Models.Keys), Is.Empty);
    }

    /// <summary>The two forms of the norm of queries and keys; a large ε makes them differ visibly.</summary>
    [Test]
    public void TheGatedDeltaNetFollowsTheOriginalUnlessLlamaCppIsAskedFor()
    {
        using var synthetic = Models["qwen35"]().Key("attention.layer_norm_rms_epsilon", 0.01f);
        var file = synthetic.Open();
        float[] original = Read(file, Exact, Prompt.Length), llamaCpp = Read(file, Exact with { Compatibility = Compatibility.LlamaCpp }, Prompt.Length);
        Assert.That(original, Is.Not.EqualTo(llamaCpp).Within(1e-4));
    }

    private static float[] Read(GgufFile file, LanguageModelOptions options, int batch)
    {
        using var pool = new WorkerPool(2);
        using var workspace = new Workspace(pool);
        using var model = LanguageModel.Load(file, options);
        using var cache = model.CreateCache(32, KvType.F32);
        float[] logits = new float[model.VocabularySize];
        for (int i = 0; i < Prompt.Length; i += batch) model.Forward(workspace, cache, Batch.Text(Prompt.AsSpan(i, batch), i), logits);
        return logits;
    }

    private static SyntheticModel DeepSeek2() => new SyntheticModel("deepseek2").Usual().Key("attention.kv_lora_rank", 16).Key("rope.dimension_count", 4)
        .Layer((m, p) => m.Norm(p + "attn_norm.weight", 32).Tensor(p + "attn_q.weight", 32, 4 * 12).Tensor(p + "attn_kv_a_mqa.weight", 32, 20)
            .Norm(p + "attn_kv_a_norm.weight", 16).Tensor(p + "attn_output.weight", 40, 32).Dense(p));
}
