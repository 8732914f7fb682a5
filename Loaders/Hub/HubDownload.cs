using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using TinyMllm.Loaders.Files;

namespace TinyMllm.Loaders.Hub;

/// <summary>
/// Brings one file here. Bytes go to <c>FILE.HASH.part</c>, named after the content so that two revisions never mix; a broken connection, a
/// cancelled
/// or a killed process leaves them there, and the next attempt asks for the rest. Only when length and hash are right does the file get its
/// name.
/// </summary>
internal sealed class HubDownload
{
    private const int BufferSize = 1 << 17;
    private readonly HubTransport _transport;
    private readonly Uri _address;
    private readonly HubFile _file;
    private readonly string _target;
    private readonly IProgress<HubProgress>? _progress;
    private readonly int _maxAttempts;
    private long _bytes;

    public HubDownload(HubTransport transport, Uri address, HubFile file, string target, int maxAttempts, IProgress<HubProgress>? progress)
    {
        (_transport, _address, _file, _target, _maxAttempts, _progress) = (transport, address, file, target, maxAttempts, progress);
        PartPath = $"{target}.{(file.Sha256 ?? file.GitOid)?[..12] ?? file.Size.ToString(CultureInfo.InvariantCulture)}.part";
    }

    /// <summary>Where unfinished bytes lie.</summary>
    public string PartPath { get; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_target)!);
        Store(() => OutputFile.CheckKind(_target));
        using (FileStream part = OpenPart())
        {
            if (part.Length > _file.Size) part.SetLength(0);
            CheckRoom(part.Length);
            await FetchAsync(part, cancellationToken).ConfigureAwait(false);
            if (!await IsRightAsync(part, cancellationToken).ConfigureAwait(false))
            {
                // A part that an earlier crash left damaged looks the same as a wrong file: one fresh try tells them apart.
                part.SetLength(0);
                await FetchAsync(part, cancellationToken).ConfigureAwait(false);
                if (!await IsRightAsync(part, cancellationToken).ConfigureAwait(false))
                {
                    part.SetLength(0);
                    throw new HubException(HubError.Corrupt,
                        $"{_file.Path}: what arrived has the hash {await HashAsync(part, cancellationToken).ConfigureAwait(false)}, the hub lists {_file.Sha256 ?? _file.GitOid}");
                }
            }

            part.Flush(flushToDisk: true);
        }

        Store(() => OutputFile.Move(PartPath, _target));
        _progress?.Report(new HubProgress(_file.Path, _file.Size, _file.Size, HubStage.Done));
    }

    private void Store(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HubException(HubError.Storage, $"{_target}: cannot be written ({failure.Message.ReplaceLineEndings(" ")})", failure);
        }
    }

    private FileStream OpenPart()
    {
        try
        {
            return new FileStream(PartPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0,
                FileOptions.Asynchronous);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HubException(HubError.Storage, $"{PartPath}: cannot be written, or another process is downloading it", failure);
        }
    }

    private void CheckRoom(long have)
    {
        long free;
        try
        {
            free = new DriveInfo(Path.GetFullPath(_target)).AvailableFreeSpace;
        }
        catch (Exception failure) when (failure is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return; // Some file systems do not say; the write will.
        }

        if (free < _file.Size - have)
        {
                throw new HubException(HubError.Storage,
                    $"{_file.Path}: {(_file.Size - have) >> 20} MiB are to come, {free >> 20} MiB are free at {Path.GetDirectoryName(_target)}");
        }
    }

    private Task FetchAsync(FileStream part, CancellationToken cancellationToken)
    {
        _bytes = part.Length;
        return _transport.RetryAsync(_file.Path, stop => AttemptAsync(part, stop), () => _bytes,
            () => _progress?.Report(new HubProgress(_file.Path, _bytes, _file.Size, HubStage.Retrying)), _maxAttempts, cancellationToken);
    }

    private async Task AttemptAsync(FileStream part, CancellationToken cancellationToken)
    {
        _bytes = part.Length;
        Report();
        if (_bytes == _file.Size) return;

        using HttpResponseMessage response = await _transport.GetAsync(_address, _bytes, _file.Path, cancellationToken).ConfigureAwait(false);
        long at = Start(response, part);
        using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[BufferSize];
        while (at < _file.Size)
        {
            int read = await _transport.WithStallTimeout(stall => stream.ReadAsync(buffer, stall).AsTask(), cancellationToken)
                .ConfigureAwait(false);
            if (read == 0) throw new TransientException($"the connection ended at byte {at} of {_file.Size}");
            if (at + read > _file.Size)
            {
                throw new HubException(HubError.Corrupt,
                    $"{_file.Path}: more than the announced {_file.Size} bytes arrive");
            }

            // A server that ignores the range starts from the beginning: what is here already is passed over.
            int known = (int)Math.Clamp(_bytes - at, 0, read);
            at += read;
            if (known == read) continue;
            await WriteAsync(part, buffer.AsMemory(known, read - known), cancellationToken).ConfigureAwait(false);
            _bytes = at;
            Report();
        }
    }

    /// <summary>Byte at which the answer starts: where we asked, or 0 when the server ignores ranges.</summary>
    private long Start(HttpResponseMessage response, FileStream part)
    {
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            part.SetLength(0);
            throw new TransientException("the server has no such range");
        }

        if (response.StatusCode != HttpStatusCode.PartialContent) return 0;
        long? from = response.Content.Headers.ContentRange?.From;
        return from is { } start && start <= _bytes ? start
            : throw new TransientException($"byte {_bytes} was asked for, the answer starts at {from}");
    }

    private async Task WriteAsync(FileStream part, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            part.Position = part.Length;
            await part.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            throw new HubException(HubError.Storage, $"{PartPath}: cannot be written ({failure.Message.ReplaceLineEndings(" ")})", failure);
        }
    }

    private async Task<bool> IsRightAsync(FileStream part, CancellationToken cancellationToken) =>
        (_file.Sha256 ?? _file.GitOid) is not { } expected || await HashAsync(part, cancellationToken).ConfigureAwait(false) == expected;

    /// <summary>The content's SHA-256, or git's SHA-1 where the hub lists that.</summary>
    private async Task<string> HashAsync(FileStream part, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(_file.Sha256 is not null ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (_file.Sha256 is null) hash.AppendData(Encoding.ASCII.GetBytes($"blob {_file.Size.ToString(CultureInfo.InvariantCulture)}\0"));
        byte[] buffer = new byte[BufferSize];
        part.Position = 0;
        int read;
        while ((read = await part.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0) hash.AppendData(buffer.AsSpan(0, read));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private void Report() => _progress?.Report(new HubProgress(_file.Path, _bytes, _file.Size, HubStage.Downloading));
}
