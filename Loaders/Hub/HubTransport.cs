using System.Net;
using System.Net.Http.Headers;

namespace TinyMllm.Loaders.Hub;

/// <summary>
/// Sends requests to the hub: follows redirects by hand, so that the token goes to the hub's own host and nowhere else, turns refusals into
/// <see cref="HubException"/>, and tells failures that may pass (dropped connections, 429, 5xx) from those that will not.
/// </summary>
internal sealed class HubTransport : IDisposable
{
    private const int MaxRedirects = 10;
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);
    private readonly HttpClient _client;
    private readonly HubOptions _options;
    private readonly Uri _endpoint;

    public HubTransport(HubOptions options)
    {
        _options = options;
        if (!Uri.TryCreate(options.Endpoint + "/", UriKind.Absolute, out Uri? endpoint) || endpoint.Scheme is not ("http" or "https"))
            throw new HubException(HubError.BadReference, $"'{options.Endpoint}' is not an http(s) address of a hub (HF_ENDPOINT)");
        _endpoint = endpoint;
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = options.StallTimeout,
            AutomaticDecompression = DecompressionMethods.None,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // Long files take long; StallTimeout watches each step instead.
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("tinymllm", typeof(HubTransport).Assembly.GetName().Version!.ToString(3)));
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Absolute address of a path below the hub's endpoint.</summary>
    public Uri Address(string relative) => new(_endpoint, relative);

    /// <summary>Runs one attempt after the other until one ends well, fails for good, or too many in a row have brought nothing.</summary>
    /// <param name="what">Named in the last error.</param>
    /// <param name="attempt">One attempt; ends normally when the work is done.</param>
    /// <param name="progress">How far the work is; a failure after progress starts the count of failures anew.</param>
    /// <param name="waiting">Told before each wait.</param>
    /// <param name="maxAttempts">Failures in a row that end it.</param>
    /// <param name="cancellationToken">Ends the whole.</param>
    public async Task RetryAsync(
        string what, Func<CancellationToken, Task> attempt, Func<long> progress, Action? waiting, int maxAttempts,
            CancellationToken cancellationToken)
    {
        int failures = 0;
        while (true)
        {
            long before = progress();
            TimeSpan? asked = null;
            try
            {
                await attempt(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception failure) when (MayPass(failure, cancellationToken))
            {
                failures = progress() > before ? 1 : failures + 1;
                asked = (failure as TransientException)?.RetryAfter;
                if (failures >= maxAttempts)
                {
                        throw new HubException(HubError.Unreachable,
                            $"{what}: gave up after {failures} attempts that brought nothing ({Reason(failure)})", failure);
                }
            }

            waiting?.Invoke();
            TimeSpan delay = _options.RetryDelay * Math.Pow(2, failures - 1);
            if (asked > delay) delay = asked.Value;
            await Task.Delay(delay < LongestDelay ? delay : LongestDelay, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends a GET and follows redirects; the answer is one of success (or 416, which the caller reads).</summary>
    /// <exception cref="HubException">The hub refuses.</exception>
    /// <exception cref="TransientException">The hub is busy.</exception>
    public async Task<HttpResponseMessage> GetAsync(Uri address, long from, string what, CancellationToken cancellationToken)
    {
        for (int hop = 0; hop <= MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            if (_options.Token is { } token && address.Scheme == _endpoint.Scheme && address.Authority == _endpoint.Authority)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);

            HttpResponseMessage response = await WithStallTimeout(
                stall => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall), cancellationToken).ConfigureAwait(false);
            if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308 && response.Headers.Location is { } location)
            {
                response.Dispose();
                var next = new Uri(address, location);
                if (next.Scheme is not ("http" or "https") || (address.Scheme == "https" && next.Scheme != "https"))
                    throw new HubException(HubError.Unreachable, $"{what}: the hub redirects to {next.Scheme}://, which is not followed");
                address = next;
                continue;
            }

            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return response;
            using (response) throw Refusal(response, what);
        }

        throw new HubException(HubError.Unreachable, $"{what}: more than {MaxRedirects} redirects");
    }

    /// <summary>Awaits one step of a transfer, but not longer than the stall timeout.</summary>
    public async Task<T> WithStallTimeout<T>(Func<CancellationToken, Task<T>> step, CancellationToken cancellationToken)
    {
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(_options.StallTimeout);
        try
        {
            return await step(stall.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientException($"nothing arrived for {_options.StallTimeout.TotalSeconds:0} s");
        }
    }

    private static bool MayPass(Exception failure, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && failure is TransientException or HttpRequestException or IOException;

    private static string Reason(Exception failure) => (failure.InnerException ?? failure).Message.ReplaceLineEndings(" ");

    private Exception Refusal(HttpResponseMessage response, string what)
    {
        int status = (int)response.StatusCode;
        if (status is 408 or 425 or 429 or >= 500)
            return new TransientException($"the hub answers {status}") { RetryAfter = response.Headers.RetryAfter?.Delta };
        return status switch
        {
            401 or 403 => new HubException(HubError.AccessDenied, _options.Token is null
                ? $"{what}: the hub answers {status}: a private, gated or misspelt repository; set HF_TOKEN if you have access"
                : $"{what}: the hub answers {status}: HF_TOKEN gives no access to it (accept the licence on its page, or check the name)"),
            404 => new HubException(HubError.NotFound, $"{what}: the hub has no such repository, revision or file"),
            _ => new HubException(HubError.Unreachable, $"{what}: the hub answers {status} {response.ReasonPhrase}"),
        };
    }
}

/// <summary>A failure after which another attempt makes sense.</summary>
internal sealed class TransientException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How long the server asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
