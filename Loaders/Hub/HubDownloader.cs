namespace TinyMllm.Loaders.Hub;

/// <summary>
/// Pulls models from a Hugging Face hub into a cache folder. Interrupted downloads go on where they stopped; every file is checked against
/// the hash
/// that the hub lists; what is in the cache works without a network. Safe for use from several threads.
/// </summary>
/// <example>
/// <code>
/// using var hub = new HubDownloader();
/// HubModel files = await hub.GetAsync(HubReference.Parse("smolvlm:256m"));
/// using var model = VisionLanguageModel.Load(files.ModelPath, files.ProjectorPath);
/// </code>
/// </example>
public sealed class HubDownloader : IDisposable
{
    private readonly HubOptions _options;
    private readonly HubTransport _transport;

    /// <summary>Creates a downloader; no request is made yet.</summary>
    /// <param name="options">Where from and where to; null reads the environment (<c>HF_ENDPOINT</c>, <c>HF_TOKEN</c>,
    /// <c>HF_HUB_OFFLINE</c>, <c>TINYMLLM_CACHE</c>).</param>
    public HubDownloader(HubOptions? options = null)
    {
        _options = options ?? new HubOptions();
        _options = _options with { Endpoint = _options.Endpoint.TrimEnd('/') };
        _transport = new HubTransport(_options);
        Cache = new HubCache(_options.CacheFolder);
    }

    /// <summary>The folder of downloaded models.</summary>
    public HubCache Cache { get; }

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    /// <summary>Lists the files of a repository.</summary>
    /// <param name="repository"><c>OWNER/REPO</c>.</param>
    /// <param name="revision">Branch, tag or commit.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="HubException">See <see cref="HubError"/>.</exception>
    public async Task<IReadOnlyList<HubFile>> ListAsync(string repository, string revision = "main",
        CancellationToken cancellationToken = default)
    {
        if (_options.Offline)
        {
            throw new HubException(HubError.Offline,
                $"{repository}: offline (HF_HUB_OFFLINE), and the list of files is on the hub");
        }

        return await HubTree.ListAsync(_transport, repository, revision, _options.MaxAttempts, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The model from the cache if it is there, else from the hub: no request is made for a model that is complete.</summary>
    /// <param name="reference">Which model.</param>
    /// <param name="progress">Told about each file.</param>
    /// <param name="cancellationToken">Ends the download; what has arrived is kept.</param>
    /// <exception cref="HubException">See <see cref="HubError"/>.</exception>
    public async Task<HubModel> GetAsync(HubReference reference, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        FindCached(reference) ?? await PullAsync(reference, progress, cancellationToken).ConfigureAwait(false);

    /// <summary>Asks the hub for the newest files of a model and fetches what is missing here; without a network, what is here
    /// serves.</summary>
    /// <param name="reference">Which model.</param>
    /// <param name="progress">Told about each file.</param>
    /// <param name="cancellationToken">Ends the download; what has arrived is kept.</param>
    /// <exception cref="HubException">See <see cref="HubError"/>.</exception>
    public async Task<HubModel> PullAsync(HubReference reference, IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        HubModel? cached = FindCached(reference);
        if (_options.Offline)
        {
                return cached ?? throw new HubException(HubError.Offline,
                    $"{reference}: offline (HF_HUB_OFFLINE), and not in {_options.CacheFolder}");
        }

        IReadOnlyList<HubFile> files;
        try
        {
            int attempts = cached is null ? _options.MaxAttempts : 1;
            void Waiting() => progress?.Report(new HubProgress(reference.Repository, 0, 0, HubStage.Retrying));
            files = await HubTree.ListAsync(_transport, reference.Repository, reference.Revision, attempts, Waiting, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (HubException failure) when (failure.Error == HubError.Unreachable && cached is not null)
        {
            return cached;
        }

        (HubFile[] model, HubFile? projector) = HubSelection.Choose(reference, files);
        string folder = Cache.Folder(reference.Repository, reference.Revision);

        // The picture encoder comes first: once the index names the language model, the whole is here.
        foreach (HubFile file in projector is null ? model : [projector, .. model])
            await FetchAsync(reference, file, folder, progress, cancellationToken).ConfigureAwait(false);
        return Located(reference, folder, model, projector);
    }

    /// <summary>The model as it lies in the cache, or null if it is not there or not complete.</summary>
    /// <param name="reference">Which model.</param>
    public HubModel? FindCached(HubReference reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        if (Cache.Find(reference.Repository, reference.Revision) is not { } entry) return null;
        try
        {
            (HubFile[] model, HubFile? projector) = HubSelection.Choose(reference, entry.Files);
            return Located(reference, entry.Folder, model, projector);
        }
        catch (HubException failure) when (failure.Error == HubError.NotFound)
        {
            return null;
        }
    }

    private async Task FetchAsync(HubReference reference, HubFile file, string folder, IProgress<HubProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (HubCache.Holds(folder, file))
        {
            progress?.Report(new HubProgress(file.Path, file.Size, file.Size, HubStage.Done));
            return;
        }

        string path = string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString));
        Uri address = _transport.Address($"{reference.Repository}/resolve/{Uri.EscapeDataString(reference.Revision)}/{path}");
        await new HubDownload(_transport, address, file, HubCache.PathOf(folder, file), _options.MaxAttempts, progress)
            .RunAsync(cancellationToken).ConfigureAwait(false);
        HubCache.Register(folder, file);
    }

    private static HubModel Located(HubReference reference, string folder, HubFile[] model, HubFile? projector) =>
        new(reference, HubCache.PathOf(folder, model[0]), projector is null ? null : HubCache.PathOf(folder, projector));
}
