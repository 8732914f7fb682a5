using TinyMllm.Kernels.Elementwise;

namespace TinyMllm.Engine;

/// <summary>
/// Mixture of experts (arXiv:2101.03961): a router chooses k of E gated networks for each token; the result is their weighted sum, plus
/// an expert that every token uses where the model has one.
/// </summary>
/// <remarks>
/// Tokens are gathered by expert, so that each expert's matrices are read once per batch and see as many rows as chose it. The outcomes
/// are added per token in the order of rank, whatever the batch.
/// </remarks>
public sealed unsafe class MixtureOfExperts : IFeedForward
{
    private readonly Linear _router;
    private readonly float[] _selectionBias;
    private readonly IFeedForward[] _experts;
    private readonly ExpertRouting _routing;
    private readonly IFeedForward? _shared;
    private readonly Linear? _sharedGate;

    /// <summary>Takes over the layers.</summary>
    /// <param name="router">n → E.</param>
    /// <param name="selectionBias">Added to the scores for the choice only; empty = none.</param>
    /// <param name="experts">E networks n → n.</param>
    /// <param name="routing">How experts are chosen and weighed.</param>
    /// <param name="shared">The expert that every token uses; null = none.</param>
    /// <param name="sharedGate">n → 1: the shared expert counts σ of this; null = 1.</param>
    public MixtureOfExperts(
        Linear router,
        float[] selectionBias,
        IFeedForward[] experts,
        ExpertRouting routing,
        IFeedForward? shared = null,
        Linear? sharedGate = null)
    {
        if (router.Outputs != experts.Length)
            throw new ArgumentException($"the router has {router.Outputs} outputs for {experts.Length} experts");
        if (routing.Used > experts.Length) throw new ArgumentException($"{routing.Used} of {experts.Length} experts cannot be used");
        (_router, _selectionBias, _experts, _routing, _shared, _sharedGate) = (router, selectionBias, experts, routing, shared, sharedGate);
    }

    /// <inheritdoc/>
    public void Forward(Workspace workspace, Matrix x, Matrix y, bool add)
    {
        int used = _routing.Used;
        using (workspace.Frame())
        {
            int* chosen = workspace.Rent<int>((long)x.Rows * used);
            var weights = workspace.Rent(x.Rows, used);
            Route(workspace, x, chosen, weights);

            // Counting sort of the (token, rank) pairs by expert: places[pair] is the pair's row in the gathered matrix.
            int* starts = workspace.Rent<int>(_experts.Length + 1);
            int* places = workspace.Rent<int>((long)x.Rows * used);
            SortByExpert(chosen, x.Rows * used, starts, places);

            var gathered = workspace.Rent(x.Rows * used, x.Columns);
            for (int pair = 0; pair < x.Rows * used; pair++) x.RowSpan(pair / used).CopyTo(gathered.RowSpan(places[pair]));
            var results = workspace.Rent(x.Rows * used, y.Columns);
            for (int e = 0; e < _experts.Length; e++)
            {
                int start = starts[e], count = starts[e + 1] - start;
                if (count > 0) _experts[e].Forward(workspace, gathered.Slice(start, count), results.Slice(start, count), add: false);
            }

            var body = new WeightedSum(results, places, weights, y, used, add);
            workspace.Pool.For(x.Rows, ref body);
            if (_shared is not null) AddShared(workspace, _shared, x, y);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _router.Dispose();
        foreach (var expert in _experts) expert.Dispose();
        _shared?.Dispose();
        _sharedGate?.Dispose();
    }

    private void Route(Workspace workspace, Matrix x, int* chosen, Matrix weights)
    {
        using (workspace.Frame())
        {
            var scores = workspace.Rent(x.Rows, _experts.Length);
            _router.Forward(workspace, x, scores);
            for (int i = 0; i < x.Rows; i++)
            {
                var experts = new Span<int>(chosen + ((long)i * _routing.Used), _routing.Used);
                _routing.Choose(scores.RowSpan(i), _selectionBias, experts, weights.RowSpan(i));
            }
        }
    }

    private void SortByExpert(int* chosen, int pairs, int* starts, int* places)
    {
        new Span<int>(starts, _experts.Length + 1).Clear();
        for (int pair = 0; pair < pairs; pair++) starts[chosen[pair] + 1]++;
        for (int e = 0; e < _experts.Length; e++) starts[e + 1] += starts[e];
        for (int pair = 0; pair < pairs; pair++) places[pair] = starts[chosen[pair]]++;

        // Each start has moved to its end, which is the next one's start.
        for (int e = _experts.Length; e > 0; e--) starts[e] = starts[e - 1];
        starts[0] = 0;
    }

    private void AddShared(Workspace workspace, IFeedForward shared, Matrix x, Matrix y)
    {
        if (_sharedGate is null)
        {
            shared.Forward(workspace, x, y, add: true);
            return;
        }

        using (workspace.Frame())
        {
            var gate = workspace.Rent(x.Rows, 1);
            _sharedGate.Forward(workspace, x, gate);
            Activations.Apply(workspace, Activation.Sigmoid, gate, gate);
            var result = workspace.Rent(x.Rows, y.Columns);
            shared.Forward(workspace, x, result, add: false);
            for (int i = 0; i < x.Rows; i++) VectorKernels.AddScaled(result.Row(i), gate.Row(i)[0], y.Row(i), y.Columns);
        }
    }

    private readonly struct WeightedSum(Matrix results, int* places, Matrix weights, Matrix y, int used, bool add) : IParallelBody
    {
        public void Run(int index)
        {
            if (!add) new Span<float>(y.Row(index), y.Columns).Clear();
            int* place = places + ((long)index * used);
            for (int rank = 0; rank < used; rank++)
                VectorKernels.AddScaled(results.Row(place[rank]), weights.Row(index)[rank], y.Row(index), y.Columns);
        }
    }
}
