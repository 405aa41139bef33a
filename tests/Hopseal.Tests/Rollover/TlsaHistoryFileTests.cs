using System.Text;
using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;

namespace Hopseal.Tests.Rollover;

public sealed class TlsaHistoryFileTests : IDisposable
{
    static readonly DateTimeOffset s_start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    readonly Workspace _workspace = new();

    string Place => _workspace.PathOf("tlsa-seen");

    public void Dispose() => _workspace.Dispose();

    static PublishedTlsa Example(string host)
    {
        var name = DomainName.Parse(host);
        TlsaRecord one = new(3, 1, 1, [.. Enumerable.Repeat((byte)0xab, 32)]), other = new(2, 0, 0, [1, 2, 3]);
        return PublishedTlsa.Nothing(name)
            .With(new DnsAnswer<TlsaRecord>.NoData(DnssecStatus.Secure), s_start)
            .With(new DnsAnswer<TlsaRecord>.Found([one], name, DnssecStatus.Secure, TimeSpan.FromHours(1)), s_start.AddSeconds(1))
            .With(new DnsAnswer<TlsaRecord>.Found([one, other], name, DnssecStatus.Secure, TimeSpan.FromHours(1)), s_start.AddSeconds(2))
            .With(new DnsAnswer<TlsaRecord>.Found([one, other], name, DnssecStatus.Insecure, TimeSpan.FromHours(1)), s_start.AddSeconds(3));
    }

    [Fact]
    public void What_is_saved_is_loaded_again()
    {
        PublishedTlsa[] all = [Example("mx1.example.org"), Example("mx2.example.org"), PublishedTlsa.Nothing(DomainName.Parse("mx3.example.org"))];
        var file = new TlsaHistoryFile(Place);
        Assert.Empty(file.Load());
        file.Save(all);
        Assert.Equal(all[..2], file.Load());
        file.Save(all[1..]);
        Assert.Equal(all[1..2], file.Load());
    }

    [Theory]
    [InlineData("mx.test Signed 1 60 - 3-1-1-abcd", 1)]
    [InlineData("mx.test Absent 1 0 - -", 1)]
    [InlineData("mx.test Signed 1 60 - 3-1-1-abcd,2-0-1-abcd\nmx.test Absent 1 0 5 -", 1)]
    [InlineData("", 0)]
    [InlineData("mx.test", 0)]
    [InlineData("mx.test Signed 1 60 - -", 0)]
    [InlineData("mx.test Absent 1 60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test 77 1 60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed x 60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed 1 -60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed 99999999999999 60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed 1 60 99999999999999 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed 1 60 - 3-1-1-abc", 0)]
    [InlineData("mx.test Signed 1 60 - 3-1-256-abcd", 0)]
    [InlineData("mx.test Signed 1 60 - 3-1-1-abcd,", 0)]
    [InlineData("a..b Signed 1 60 - 3-1-1-abcd", 0)]
    [InlineData("mx.test Signed 1 60 5 3-1-1-abcd", 0)]                                             // nothing is current
    [InlineData("mx.test Signed 1 60 - 3-1-1-abcd\nmx.test Signed 1 60 - 3-1-1-ef", 0)]             // two are
    public void Damaged_lines_are_skipped(string text, int hosts)
    {
        _workspace.Write("tlsa-seen", text);
        Assert.Equal(hosts, new TlsaHistoryFile(Place).Load().Length);
    }

    [Property(MaxTest = 200)]
    public void No_content_is_more_than_a_loss(byte[] octets, int position)
    {
        new TlsaHistoryFile(Place).Save([Example("mx1.example.org")]);
        var content = File.ReadAllBytes(Place);
        var at = Math.Abs(position % content.Length);
        File.WriteAllBytes(Place, [.. content[..at], .. octets ?? [], .. content[at..]]);
        var loaded = new TlsaHistoryFile(Place).Load();
        Assert.All(loaded, published => Assert.NotNull(published.Current));
        Assert.All(loaded.SelectMany(published => published.Versions), version => _ = version.Binds(s_start));
    }

    [Fact]
    public void A_file_that_is_too_large_is_not_read()
    {
        using (var file = File.Create(Place))
        {
            file.SetLength(17 * 1024 * 1024);
        }

        Assert.Throws<IOException>(() => new TlsaHistoryFile(Place).Load());
        Assert.DoesNotContain('\0', Encoding.ASCII.GetString(SaveAndRead()));
    }

    byte[] SaveAndRead()
    {
        new TlsaHistoryFile(Place).Save([Example("mx1.example.org")]);
        return File.ReadAllBytes(Place);
    }
}
