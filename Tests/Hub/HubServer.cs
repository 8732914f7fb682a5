using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace TinyMllm.Tests.Hub;

/// <summary>A hub on the loopback with one repository, which can be told to misbehave; speaks just enough HTTP/1.1.</summary>
internal sealed class HubServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public HubServer()
    {
        _listener.Start();
        Endpoint = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture)}";
        _loop = Task.Run(AcceptAsync);
    }

    /// <summary>One request as it came.</summary>
    public sealed record Request(string Path, long? From, string? Authorization);

    public string Endpoint { get; }

    public string Repository { get; init; } = "acme/tiny-GGUF";

    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Hashes to list instead of the true ones.</summary>
    public Dictionary<string, string> WrongHashes { get; } = [];

    public List<Request> Requests { get; } = [];

    /// <summary>Each transfer breaks after that many bytes, as long as this many breaks are left.</summary>
    public int BreakAfter { get; set; } = int.MaxValue;

    public int BreaksLeft { get; set; }

    public bool IgnoreRange { get; set; }

    /// <summary>Answer this to everything, that many times.</summary>
    public int Status { get; set; }

    public int StatusLeft { get; set; }

    public string? RequiredToken { get; set; }

    /// <summary>Redirect file requests to this server's <c>/cdn/</c>, or to another one.</summary>
    public string? RedirectTo { get; set; }

    /// <summary>Send nothing after the headers.</summary>
    public bool Stall { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => ServeAsync(client));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                Request request = await ReadAsync(stream);
                lock (Requests) Requests.Add(request);
                await AnswerAsync(stream, request);
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException)
            {
                // The client left.
            }
        }
    }

    private async Task<Request> ReadAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        byte[] one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)
            && await stream.ReadAsync(one, _stop.Token) == 1)
        {
            text.Append((char)one[0]);
        }

        string[] lines = text.ToString().Split("\r\n");
        string? Header(string name) =>
            lines.FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();
        string? range = Header("Range");
        return new Request(Uri.UnescapeDataString(lines[0].Split(' ')[1]),
            range is null ? null : long.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture),
                Header("Authorization"));
    }

    private async Task AnswerAsync(NetworkStream stream, Request request)
    {
        if (StatusLeft > 0)
        {
            StatusLeft--;
            await SendAsync(stream, $"{Status} Refused", []);
        }
        else if (RequiredToken is not null && request.Authorization != "Bearer " + RequiredToken
            && !request.Path.StartsWith("/cdn/", StringComparison.Ordinal))
        {
            await SendAsync(stream, "401 Unauthorized", []);
        }
        else if (request.Path.StartsWith($"/api/models/{Repository}/tree/main", StringComparison.Ordinal))
        {
            await SendAsync(stream, "200 OK", Encoding.UTF8.GetBytes(Listing()), "Content-Type: application/json\r\n");
        }
        else if (request.Path.StartsWith($"/{Repository}/resolve/main/", StringComparison.Ordinal) && RedirectTo is not null)
        {
            await SendAsync(stream, "302 Found", [], $"Location: {RedirectTo}/cdn/{request.Path.Split('/')[^1]}\r\n");
        }
        else if (Files.TryGetValue(request.Path.Split('/')[^1], out byte[]? file))
        {
            await SendFileAsync(stream, file, IgnoreRange ? null : request.From);
        }
        else
        {
            await SendAsync(stream, "404 Not Found", []);
        }
    }

    private async Task SendFileAsync(NetworkStream stream, byte[] file, long? from)
    {
        int start = (int)(from ?? 0);
        string status = from is null ? "200 OK" : "206 Partial Content";
        string range = from is null ? "" : $"Content-Range: bytes {start}-{file.Length - 1}/{file.Length}\r\n";
        bool breaks = BreaksLeft > 0;
        if (breaks) BreaksLeft--;
        byte[] body = file[start..];
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {body.Length}\r\n{range}\r\n"),
            _stop.Token);
        if (Stall) await Task.Delay(Timeout.Infinite, _stop.Token);
        await stream.WriteAsync(body.AsMemory(0, breaks ? Math.Min(BreakAfter, body.Length) : body.Length), _stop.Token);
    }

    private async Task SendAsync(NetworkStream stream, string status, byte[] body, string headers = "")
    {
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {body.Length}\r\n{headers}\r\n"),
            _stop.Token);
        await stream.WriteAsync(body, _stop.Token);
    }

    private string Listing() =>
        "[{\"type\":\"directory\",\"oid\":\"0\",\"size\":0,\"path\":\"sub\"}," + string.Join(",", Files.Select(file =>
        {
            string hash = WrongHashes.GetValueOrDefault(file.Key) ?? Convert.ToHexStringLower(SHA256.HashData(file.Value));
            return $$$"""
                {"type": "file", "oid": "{{{new string('a', 40)}}}", "size": {{{file.Value.Length}}}, "path": "{{{file.Key}}}",
                 "lfs": {"oid": "{{{hash}}}", "size": {{{file.Value.Length}}}, "pointerSize": 134}}
                """;
        })) + "]";
}
