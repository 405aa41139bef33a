using System.Globalization;
using System.Text;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Mail;

namespace Hopseal.Relay.Attempt;

/// <summary>Delivers into Maildir directories (https://cr.yp.to/proto/maildir.html): written and flushed in <c>tmp</c>, then renamed into
/// <c>new</c>, so that a reader sees whole messages only and a crash loses none.</summary>
/// <param name="hostname">Part of the files' names, which are unique over the machines that share a directory.</param>
public sealed class Maildir(string hostname, TimeProvider clock)
{
    readonly string _hostname = hostname.Replace("/", @"\057", StringComparison.Ordinal).Replace(":", @"\072", StringComparison.Ordinal);
    int _deliveries;

    /// <summary>Completes once the message is on stable storage. One file, whatever the number of recipients, with a Return-Path
    /// (RFC 5321 §4.4) and one Delivered-To per recipient before the content, which keeps its CRLF line ends.</summary>
    /// <param name="directory">Created where it is missing, with <c>tmp</c>, <c>new</c> and <c>cur</c>, for this user only.</param>
    /// <returns>The path of the file.</returns>
    /// <exception cref="IOException">The disk is full or failed; nothing was delivered.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write there.</exception>
    public async ValueTask<string> DeliverAsync(
        string directory, Envelope envelope, Stream content, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(content);
        foreach (var folder in (ReadOnlySpan<string>)["tmp", "new", "cur"])
        {
            DirectorySync.Create(Path.Combine(directory, folder));
        }

        var name = UniqueName();
        var arriving = Path.Combine(directory, "tmp", name);
        var delivered = Path.Combine(directory, "new", name);
        try
        {
            await WriteAsync(arriving, envelope, content, cancel);
            File.Move(arriving, delivered);
            DirectorySync.Flush(Path.Combine(directory, "new"));
            return delivered;
        }
        catch
        {
            File.Delete(arriving);
            File.Delete(delivered);
            throw;
        }
    }

    static async ValueTask WriteAsync(string path, Envelope envelope, Stream content, CancellationToken cancel)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var file = new FileStream(path, options);
        await file.WriteAsync(Encoding.UTF8.GetBytes(Headers(envelope)), cancel);
        await content.CopyToAsync(file, cancel);
        file.Flush(flushToDisk: true);
    }

    static string Headers(Envelope envelope)
    {
        var text = new StringBuilder().Append("Return-Path: ").Append(envelope.ReturnPathText).Append("\r\n");
        foreach (var recipient in envelope.Recipients)
        {
            text.Append("Delivered-To: ").Append(recipient).Append("\r\n");
        }

        return text.ToString();
    }

    string UniqueName()
    {
        var now = clock.GetUtcNow();
        var microseconds = now.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{now.ToUnixTimeSeconds()}.M{microseconds}P{Environment.ProcessId}Q{Interlocked.Increment(ref _deliveries)}.{_hostname}");
    }
}
