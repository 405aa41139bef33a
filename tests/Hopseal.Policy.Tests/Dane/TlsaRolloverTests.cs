using Hopseal.Dns;
using Hopseal.Policy.Dane;

namespace Hopseal.Policy.Tests.Dane;

public sealed class TlsaRolloverTests
{
    const int Ttl = 100;

    static readonly DomainName s_host = DomainName.Parse("mx.test");
    static readonly DateTimeOffset s_start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    static TlsaRecord Record(char key) => new(3, 1, 1, [.. Enumerable.Repeat((byte)key, 32)]);

    static DateTimeOffset At(int seconds) => s_start.AddSeconds(seconds);

    /// <summary>Words such as <c>0:on</c>: at second 0, the records of the old and of the new key. <c>-</c>: none; <c>!</c>: a look-up that
    /// failed; <c>~o</c>: not signed.</summary>
    static PublishedTlsa History(string text)
    {
        var published = PublishedTlsa.Nothing(s_host);
        foreach (var step in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (second, keys) = (int.Parse(step.Split(':')[0], System.Globalization.CultureInfo.InvariantCulture), step.Split(':')[1]);
            DnsAnswer<TlsaRecord> answer = keys switch
            {
                "-" => new DnsAnswer<TlsaRecord>.NameError(DnssecStatus.Secure),
                "!" => new DnsAnswer<TlsaRecord>.Failed(DnsFailureKind.TimedOut, "no answer"),
                _ => new DnsAnswer<TlsaRecord>.Found(
                    [.. keys.Where(char.IsLetter).Select(Record)],
                    PublishedTlsa.OwnerOf(s_host),
                    keys.StartsWith('~') ? DnssecStatus.Insecure : DnssecStatus.Secure,
                    TimeSpan.FromSeconds(Ttl)),
            };
            published = published.With(answer, At(second));
        }

        return published;
    }

    static RolloverDecision Decide(string history, int second, int expires = 1_000_000) => TlsaRollover.Decide(
        History(history), records => records.Contains(Record('o')), records => records.Contains(Record('n')), At(expires), At(second));

    [Theory]
    [InlineData("", 0, "switch")]                                   // nothing is known
    [InlineData("0:-", 10, "switch")]                               // nothing is published
    [InlineData("0:~o", 10, "switch")]                              // not signed: nobody goes by it
    [InlineData("0:!", 10, "switch")]
    [InlineData("0:on", 10, "switch")]                              // announced ahead
    [InlineData("0:o", 10, "keep")]                                 // not announced at all
    [InlineData("0:o 20:!", 30, "keep")]                            // a failure is no "none"
    [InlineData("0:o 1000:~o", 5000, "keep")]                       // lost its signature, or our resolver lost its mind
    [InlineData("0:o 20:on", 219, "keep until 220")]                // announced, and too young
    [InlineData("0:o 20:on", 220, "switch")]                        // announced for two TTLs
    [InlineData("0:o 20:on 30:!", 220, "switch")]                   // what was seen last counts
    [InlineData("0:o 20:on 60:o 100:on", 299, "keep until 300")]    // one secondary server was late
    [InlineData("0:o 20:-", 219, "keep until 220")]                 // removed, and still in caches
    [InlineData("0:o 20:-", 220, "switch")]
    [InlineData("0:o 20:n", 30, "switch, at a price")]              // replaced at once: the newest decides
    [InlineData("0:n", 10, "switch")]
    [InlineData("0:x", 10, "switch")]                               // neither is published: nothing to lose
    [InlineData("0:o 20:x", 219, "keep until 220")]
    [InlineData("0:o 20:x", 220, "switch")]
    [InlineData("0:ox 20:onx 500:nx", 510, "switch")]               // the old record was removed afterwards
    public void The_new_certificate_is_shown_when_nobody_who_verifies_would_refuse_only_it(string history, int second, string expected) =>
        Assert.Equal(expected, Decide(history, second) switch
        {
            RolloverDecision.Switch { Warning: null } => "switch",
            RolloverDecision.Switch => "switch, at a price",
            RolloverDecision.Keep { Until: null } => "keep",
            RolloverDecision.Keep { Until: { } until } => $"keep until {(until - s_start).TotalSeconds}",
            var unknown => $"{unknown}",
        });

    [Fact]
    public void An_expired_certificate_is_not_kept_and_the_price_is_told()
    {
        Assert.IsType<RolloverDecision.Keep>(Decide("0:o", 499, expires: 500));
        var decision = Assert.IsType<RolloverDecision.Switch>(Decide("0:o", 500, expires: 500));
        Assert.Equal("the old certificate has expired, and TLSA records of mx.test match only that one", decision.Warning);
    }

    [Fact]
    public void A_reason_stays_the_same_while_it_lasts()
    {
        Assert.Equal(Decide("0:o 20:on", 30), Decide("0:o 20:on", 199));
        var keep = Assert.IsType<RolloverDecision.Keep>(Decide("0:o 20:on", 30));
        Assert.Equal("caches may hold older TLSA records of mx.test, which do not match it, until 2026-05-01 00:03:40 UTC", keep.Why);
    }
}
