using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hopseal.Policy;
using Hopseal.Reports.Evidence;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;

namespace Hopseal.Reports.Tests.Evidence;

/// <summary>Runs when nothing else does: what is allocated is counted for the whole process.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class WithNothingBeside;

[Collection(typeof(WithNothingBeside))]
public sealed class EvidenceExportTests : IDisposable
{
    static readonly EvidenceQuery s_all = new(Records.Noon.AddDays(-1), Records.Noon.AddDays(10));

    readonly LedgerDirectory _ledger = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public async Task Lines_come_as_they_are_and_are_a_chain_of_their_own()
    {
        await WriteAsync();

        var (text, status) = await ExportAsync(s_all, EvidenceFormat.Jsonl);

        Assert.True(status.IsWhole);
        Assert.Equal(_ledger.Lines(), text.Split('\n')[..^1]);
        var file = Path.Combine(_ledger.Root, "export.jsonl");
        File.WriteAllText(file, text);
        Assert.True((await LedgerVerification.RunAsync(file, status.Last!.Hash, Cancel)).IsWhole);
    }

    [Fact]
    public async Task Only_the_time_and_the_domain_that_were_asked_for_come()
    {
        await WriteAsync();
        _ledger.Clock.Advance(TimeSpan.FromDays(1));
        await WriteAsync();

        var (text, _) = await ExportAsync(s_all with { To = Records.Noon.AddHours(1), Domain = "example.org" }, EvidenceFormat.Jsonl);

        Assert.Equal(_ledger.Lines().Where(line => line.Contains("\"time\":\"2026-11-30T12", StringComparison.Ordinal) && line.Contains("\"domain\":\"example.org\"", StringComparison.Ordinal)), text.Split('\n')[..^1]);
        Assert.Equal(3, text.Split('\n').Length - 1);
    }

    [Fact]
    public async Task The_report_says_the_shares_and_who_answers_for_what()
    {
        await WriteAsync();

        var (html, _) = await ExportAsync(s_all, EvidenceFormat.Html);

        Assert.StartsWith("<!DOCTYPE html>", html.TrimStart(), StringComparison.Ordinal);
        Assert.Contains("<th scope=\"row\">example.org</th><td class=\"n\">2</td><td class=\"n\">50.0 %</td>", Squeeze(html), StringComparison.Ordinal);
        Assert.Contains("ticket 4711", html, StringComparison.Ordinal);
        Assert.Contains("starttls-not-supported (starttls-not-offered)", html, StringComparison.Ordinal);
        Assert.Contains("had TLS before and does not start it", html, StringComparison.Ordinal);
        Assert.Contains("<strong>Whole.</strong>", html, StringComparison.Ordinal);
        Assert.Contains("configuration digest", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_that_somebody_else_wrote_becomes_a_part_of_the_page()
    {
        const string Hostile = "<script>alert(1)</script>\"'&<img src=x>";
        var terms = new ExceptionTerms(new DateOnly(2027, 1, 31), Hostile, Hostile);
        var by = new TransportPolicy.Operator(SecurityFloor.Plaintext, Hostile, terms);
        var plan = Records.Plan("mx1.example.net", new TransportPolicy.Excepted(new TransportPolicy.Operator(SecurityFloor.Encrypted, Hostile), by));
        var failed = Records.Attempt(null, Records.MissedFloor, domain: "example.net", plan: plan);
        failed = failed with
        {
            Sessions = [failed.Sessions[0] with { Fault = new SessionFault(SmtpPhase.Greeting, FaultKind.Refused, null, Hostile) }],
            Lease = failed.Lease with { Domain = Hostile },
        };
        await _ledger.RunAsync(ledger =>
        {
            ledger.TryRecord(Records.Attempt(Records.Tls(), Records.Delivered, plan: plan));
            ledger.TryRecord(failed);
        });

        var (html, _) = await ExportAsync(s_all, EvidenceFormat.Html);

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_that_somebody_changed_is_exported_and_called_so()
    {
        await WriteAsync();
        var file = _ledger.FileOf("2026-11-30");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"reached\":\"plaintext\"", "\"reached\":[\"encrypted\"]", StringComparison.Ordinal));

        var (html, status) = await ExportAsync(s_all, EvidenceFormat.Html);

        Assert.False(status.IsWhole);
        Assert.Contains("Not whole", html, StringComparison.Ordinal);
        Assert.Contains("could not be read", html, StringComparison.Ordinal);
    }

    /// <summary>Of a million entries: memory depends on neither their number nor how many domains they are for.</summary>
    [Fact]
    public async Task A_million_entries_are_exported_in_bounded_memory()
    {
        const int Entries = 1_000_000;
        var octets = Generate(Entries);
        var counted = new CountingStream();

        var before = GC.GetTotalAllocatedBytes(precise: true);
        var status = await EvidenceExport.WriteAsync(_ledger.Files, s_all, EvidenceFormat.Jsonl, _ledger.Clock, counted, Cancel);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.True(status!.IsWhole, string.Join('\n', status.Faults));
        Assert.Equal((Entries, octets), (status.Entries, counted.Length));
        Assert.InRange(allocated, 0, 8 * 1024 * 1024);

        counted = new CountingStream();
        await EvidenceExport.WriteAsync(_ledger.Files, s_all with { To = Records.Noon.AddMinutes(5) }, EvidenceFormat.Html, _ledger.Clock, counted, Cancel);
        Assert.InRange(counted.Length, 10_000, 1024 * 1024);
    }

    /// <summary>Short entries, as the ledger writes them; each for a domain of its own.</summary>
    long Generate(int entries)
    {
        Directory.CreateDirectory(_ledger.Files.Directory);
        var prev = new byte[64];
        prev.AsSpan().Fill((byte)'0');
        var line = new ArrayBufferWriter<byte>(1024);
        Span<byte> hash = stackalloc byte[32];
        long octets = 0;
        using (var file = new FileStream(_ledger.FileOf("2026-11-30"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1024 * 1024))
        {
            for (var seq = 1; seq <= entries; seq++)
            {
                line.ResetWrittenCount();
                Write($"{{\"seq\":{seq},\"time\":\"2026-11-30T12:{seq % 3_600_000 / 60_000:00}:{seq % 60_000 / 1000:00}.{seq % 1000:000}Z\",\"kind\":\"out\",\"domain\":\"d{seq}.example\",\"host\":\"mx.example:25\",\"peer\":\"192.0.2.1:25\",\"policies\":[],\"reached\":\"encrypted\",\"version\":\"TLSv1.3\",\"failures\":[],\"outcome\":\"delivered\",\"recipients\":1,\"fault\":null,\"injected\":false,\"prev\":\"");
                line.Write(prev);
                line.Write("\"}"u8);
                System.Security.Cryptography.SHA256.HashData(line.WrittenSpan, hash);
                Convert.TryToHexStringLower(hash, prev, out _);
                file.Write(line.WrittenSpan);
                file.WriteByte((byte)'\n');
                octets += line.WrittenCount + 1;
            }
        }

        File.WriteAllText(
            Path.Combine(_ledger.Files.Directory, "head.json"),
            string.Create(CultureInfo.InvariantCulture, $"{{\"seq\":{entries},\"hash\":\"{Encoding.ASCII.GetString(prev)}\",\"time\":\"2026-11-30T12:16:40.000Z\"}}\n"));
        return octets;

        void Write(FormattableString text) => line.Write(Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture)));
    }

    Task WriteAsync() => _ledger.RunAsync(ledger =>
    {
        var exception = new TransportPolicy.Operator(SecurityFloor.Plaintext, "Outbound.Rules[2]", new ExceptionTerms(new DateOnly(2027, 1, 31), "ticket 4711", "ops"));
        var lowered = Records.Plan("mx1.example.net", exception, new TransportPolicy.Excepted(new TransportPolicy.Operator(SecurityFloor.Encrypted, "Outbound.Rules[0]"), exception));
        ledger.TryRecord(Records.Attempt(Records.Tls(PeerIdentity.Pkix), Records.Delivered));
        ledger.TryRecord(Records.Attempt(new TlsOutcome.Plaintext(Records.NotOffered), Records.Delivered, plan: lowered));
        ledger.TryRecord(Records.Attempt(
            new TlsOutcome.Refused([Records.NotOffered]), Records.MissedFloor, plan: Records.Plan("mx1.example.net", new TransportPolicy.ProvenTls(Records.Noon))));
        ledger.TryRecord(Records.Accepted(Records.Tls(), "anna@ours.example"));
    });

    async Task<(string Text, ChainStatus Status)> ExportAsync(EvidenceQuery query, EvidenceFormat format)
    {
        using var output = new MemoryStream();
        var status = await EvidenceExport.WriteAsync(_ledger.Files, query, format, _ledger.Clock, output, Cancel);
        return (Encoding.UTF8.GetString(output.ToArray()), status ?? throw new UnreachableException());
    }

    /// <summary>Without the white space between tags.</summary>
    static string Squeeze(string html) => string.Join('>', html.Split('>').Select(part => part.TrimStart()));

    sealed class CountingStream : Stream
    {
        long _length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position { get => _length; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => _length += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _length += buffer.Length;
            return default;
        }
    }
}
