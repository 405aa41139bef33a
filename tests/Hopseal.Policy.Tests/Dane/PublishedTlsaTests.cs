using FsCheck.Xunit;
using Hopseal.Dns;
using Hopseal.Policy.Dane;

namespace Hopseal.Policy.Tests.Dane;

public sealed class PublishedTlsaTests
{
    static readonly DomainName s_host = DomainName.Parse("mx.test");
    static readonly DateTimeOffset s_start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly TlsaRecord s_a = Record(1);
    static readonly TlsaRecord s_b = Record(2);

    static TlsaRecord Record(byte seed) => new(3, 1, 1, [.. Enumerable.Repeat(seed, 32)]);

    static DnsAnswer<TlsaRecord> Found(int ttl, DnssecStatus status, params TlsaRecord[] records) =>
        new DnsAnswer<TlsaRecord>.Found([.. records], PublishedTlsa.OwnerOf(s_host), status, TimeSpan.FromSeconds(ttl));

    static DnsAnswer<TlsaRecord> Signed(int ttl, params TlsaRecord[] records) => Found(ttl, DnssecStatus.Secure, records);

    static DnsAnswer<TlsaRecord> Nothing => new DnsAnswer<TlsaRecord>.NoData(DnssecStatus.Secure);

    static DateTimeOffset At(int seconds) => s_start.AddSeconds(seconds);

    static PublishedTlsa After(params (int Second, DnsAnswer<TlsaRecord> Answer)[] answers) => answers.Aggregate(
        PublishedTlsa.Nothing(s_host), (published, seen) => published.With(seen.Answer, At(seen.Second)));

    /// <summary>The first record of each version that binds, newest first.</summary>
    static byte[] Binding(PublishedTlsa published, int second) =>
        [.. published.Versions.Where(version => version.Binds(At(second))).Select(version => version.Records[0].Data[0])];

    [Fact]
    public void The_owner_is_port_25_of_the_host() => Assert.Equal("_25._tcp.mx.test", PublishedTlsa.OwnerOf(s_host).Ascii);

    [Fact]
    public void What_was_replaced_binds_for_two_TTLs_more()
    {
        var published = After((0, Signed(100, s_a)), (50, Signed(100, s_b)));
        Assert.Equal([2, 1], Binding(published, 249));
        Assert.Equal([2], Binding(published, 250));
    }

    [Fact]
    public void The_longest_TTL_counts_because_a_cache_shows_only_the_rest_of_it()
    {
        Assert.Equal([2, 1], Binding(After((0, Signed(3600, s_a)), (1000, Signed(10, s_a)), (1001, Signed(10, s_b))), 8200));
        Assert.Equal([2, 1], Binding(After((0, Signed(1, s_a)), (10, Signed(3600, s_b))), 7209));
    }

    [Fact]
    public void A_set_that_comes_back_is_the_newest_again_and_is_there_once()
    {
        var published = After((0, Signed(100, s_a)), (10, Signed(100, s_b)), (20, Signed(100, s_a)));
        Assert.Equal([1, 2], Binding(published, 30));
        Assert.Null(published.Current!.ReplacedAt);
        Assert.Equal([1], Binding(published, 220));
    }

    [Fact]
    public void The_order_of_the_answer_makes_no_difference()
    {
        var published = After((0, Signed(100, s_a, s_b)), (10, Signed(100, s_b, s_a, s_a)));
        Assert.Equal(2, Assert.Single(published.Versions).Records.Length);
    }

    [Fact]
    public void A_failure_to_find_out_changes_nothing()
    {
        var before = After((0, Signed(100, s_a)));
        Assert.Same(before, before.With(new DnsAnswer<TlsaRecord>.Failed(DnsFailureKind.ServerFailure, "bogus"), At(10_000)));
    }

    [Fact]
    public void Removed_records_bind_until_caches_have_forgotten_them()
    {
        var published = After((0, Signed(100, s_a)), (50, Nothing));
        Assert.Equal(TlsaState.Absent, published.Current!.State);
        Assert.Equal([1], Binding(published, 249));
        Assert.Empty(Binding(published, 250));
    }

    [Fact]
    public void Records_that_never_were_signed_bind_nobody() =>
        Assert.Empty(Binding(After((0, Found(100, DnssecStatus.Insecure, s_a))), 0));

    [Fact]
    public void Records_that_lost_their_signature_bind_until_they_are_gone()
    {
        var published = After((0, Signed(100, s_a)), (10, Found(100, DnssecStatus.Insecure, s_a)), (5000, Found(100, DnssecStatus.Insecure, s_a)));
        Assert.Equal(TlsaState.NoLongerSigned, published.Current!.State);
        Assert.Equal([1], Binding(published, 5000));
        Assert.Empty(Binding(published.With(Nothing, At(6000)), 6200));
    }

    [Fact]
    public void What_nobody_holds_any_more_is_forgotten()
    {
        var published = After((0, Signed(100, s_a)), (50, Signed(100, s_b)), (260, Signed(100, s_b)));
        Assert.Equal(s_b, Assert.Single(Assert.Single(published.Versions).Records));
    }

    [Fact]
    public void A_zone_that_never_rests_is_remembered_within_bounds()
    {
        var published = After([.. Enumerable.Range(0, 100).Select(second => (second, Signed(3600, Record((byte)second))))]);
        Assert.Equal(PublishedTlsa.MostVersions, published.Versions.Length);
    }

    [Property]
    public void Only_the_newest_version_was_not_replaced(byte[] sets)
    {
        var published = After([.. sets.Index().Select(set => (set.Index * 7, set.Item % 5 == 0 ? Nothing : Signed(set.Item, Record((byte)(set.Item % 5)))))]);
        Assert.All(published.Versions.Index(), entry => Assert.Equal(entry.Index == 0, entry.Item.ReplacedAt is null));
        Assert.Equal(published.Versions.Length, published.Versions.DistinctBy(version => (version.State, string.Join(',', version.Records))).Count());
    }
}
