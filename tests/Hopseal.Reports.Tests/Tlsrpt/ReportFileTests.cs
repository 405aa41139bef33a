using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hopseal.Reports.Tlsrpt;

namespace Hopseal.Reports.Tests.Tlsrpt;

public sealed class ReportFileTests
{
    static readonly byte[] s_json = TlsReportWriter.ToJson(SampleReports.Full);
    static readonly byte[] s_gzip = TlsReportWriter.ToGzip(SampleReports.Full);

    [Property(MaxTest = 200)]
    public Task<bool> Any_file_gives_an_item_and_no_exception(byte[] octets) => GivesItemsAsync(octets);

    [Property(MaxTest = 200)]
    public Property Any_mutation_of_a_gzip_file_is_accepted_or_rejected() => Survives(s_gzip);

    [Property(MaxTest = 200)]
    public Property Any_mutation_of_a_zip_archive_is_accepted_or_rejected() => Survives(Zip());

    [Property(MaxTest = 200)]
    public Property Any_mutation_of_a_message_is_accepted_or_rejected() => Survives(Encoding.ASCII.GetBytes(Message("x")));

    [Property(MaxTest = 100)]
    public Property Any_mutation_of_a_mailbox_is_accepted_or_rejected() => Survives(Encoding.ASCII.GetBytes($"From a\n{Message("x")}\n\nFrom b\n{Message("y")}"));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    public async Task A_mailbox_is_split_the_same_however_it_arrives(int octetsAtOnce)
    {
        var mailbox = $"From a\n{Message("1")}From within a message, without an empty line before\n\nFrom b\r\n{Message("2").ReplaceLineEndings("\r\n")}\r\n\r\nFrom c\n";
        await using var stream = new SlowStream(Encoding.ASCII.GetBytes(mailbox), octetsAtOnce);

        var items = await ReadAsync(stream);

        Assert.Equal(
            ["message 1, 1.json.gz accepted", "message 2, 2.json.gz accepted", "message 3 it is no message: its header cannot be read"],
            items.Select(item => $"{item.Where} {(item.Result is ReadReport.Rejected rejected ? rejected.Why : "accepted")}"));
    }

    [Fact]
    public async Task A_message_of_a_mailbox_that_is_too_large_is_named_and_the_next_is_read()
    {
        using var mailbox = new MemoryStream();
        mailbox.Write(Encoding.ASCII.GetBytes($"From a\n{Message("1")}\n\nFrom b\nSubject: large\n\n"));
        mailbox.Write(Enumerable.Repeat((byte)'x', 17 * 1024 * 1024).ToArray());
        mailbox.Write(Encoding.ASCII.GetBytes($"\n\nFrom c\n{Message("3")}"));
        mailbox.Position = 0;

        var items = await ReadAsync(mailbox);

        Assert.Equal(["message 1, 1.json.gz", "message 2", "message 3, 3.json.gz"], items.Select(item => item.Where));
        Assert.Equal(new ReadReport.Rejected("it is larger than 16777216 octets"), items[1].Result);
    }

    [Fact]
    public async Task A_file_that_is_too_large_is_rejected_before_it_is_in_memory()
    {
        await using var endless = new SlowStream(new byte[64 * 1024 * 1024], 1024 * 1024);

        var item = Assert.Single(await ReadAsync(endless));

        Assert.Equal(new ReadReport.Rejected("it is larger than 16777216 octets"), item.Result);
        Assert.True(endless.Position < 20 * 1024 * 1024, $"{endless.Position} octets were read");
    }

    [Fact]
    public async Task A_message_with_too_many_reports_is_read_in_part_and_says_so()
    {
        var part = $"--b\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n{Convert.ToBase64String(s_gzip)}\n";
        var message = $"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n{string.Concat(Enumerable.Repeat(part, 200))}--b--\n";
        await using var stream = new MemoryStream(Encoding.ASCII.GetBytes(message));

        var items = await ReadAsync(stream);

        Assert.Equal(20, items.Count(item => item.Result is ReadReport.Accepted));
        Assert.Equal(21, items.Count);
        Assert.Equal("the other parts", items[20].Where);
    }

    [Fact]
    public async Task What_cannot_be_read_is_an_exception_and_no_rejected_report()
    {
        await using var broken = new SlowStream(s_json, 100, failAt: 300);

        await Assert.ThrowsAsync<IOException>(() => ReadAsync(broken));
    }

    static Property Survives(byte[] original) => Prop.ForAll(TlsReportReaderTests.Mutations(original).ToArbitrary(), GivesItemsAsync);

    static async Task<bool> GivesItemsAsync(byte[] octets)
    {
        using var stream = new MemoryStream(octets);
        return (await ReadAsync(stream)).Count > 0;
    }

    static async Task<List<ReportItem>> ReadAsync(Stream stream)
    {
        var items = new List<ReportItem>();
        await foreach (var item in ReportFile.ReadAsync(stream, "a!b!1!2.json.gz", CancellationToken.None))
        {
            items.Add(item);
        }

        return items;
    }

    static string Message(string name) => $"""
        From: tls@company-x.example
        Date: Mon, 02 Nov 2026 03:00:00 +0000
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=tlsrpt; boundary=b

        --b
        Content-Type: application/tlsrpt+gzip; name={name}.json.gz
        Content-Transfer-Encoding: base64

        {Convert.ToBase64String(s_gzip, Base64FormattingOptions.InsertLineBreaks)}
        --b--

        """.ReplaceLineEndings("\n");

    static byte[] Zip()
    {
        using var octets = new MemoryStream();
        using (var zip = new ZipArchive(octets, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var content = zip.CreateEntry("report.json").Open();
            content.Write(s_json);
        }

        return octets.ToArray();
    }

    /// <summary>Gives a few octets at a time, as a pipe does.</summary>
    sealed class SlowStream(byte[] octets, int atOnce, int failAt = int.MaxValue) : MemoryStream(octets)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Position >= failAt
            ? throw new IOException("the disk is gone")
            : base.ReadAsync(buffer[..Math.Min(buffer.Length, atOnce)], cancellationToken);
    }
}
