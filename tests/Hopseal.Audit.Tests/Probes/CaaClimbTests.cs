using Hopseal.Audit.Facts;
using Hopseal.Audit.Probes;
using Hopseal.Dns;

namespace Hopseal.Audit.Tests.Probes;

public sealed class CaaClimbTests
{
    [Theory]
    [InlineData("mx.a.example CAA 0 issue \"ca.example\"\na.example CAA 0 issue \"other.example\"", "mx.a.example", true)]
    [InlineData("mx.a.example A 192.0.2.1\na.example CAA 0 issue \";\"", "a.example", true)]
    [InlineData("example CAA 0 issuewild \"ca.example\"", "example", false)]
    [InlineData("mx.a.example CNAME host.b.example\nhost.b.example CAA 0 Issue \"ca.example\"\na.example CAA 0 issue \"no.example\"", "mx.a.example", true)]
    [InlineData("b.example CAA 0 issue \"ca.example\"", null, false)]
    [InlineData("mx.a.example A 192.0.2.1\na.example FAIL CAA\nexample CAA 0 issue \"ca.example\"", null, false)]
    public async Task The_closest_name_that_has_any_counts(string zone, string? owner, bool restricts)
    {
        var found = await FindAsync(zone, "mx.a.example");

        Assert.Equal((owner, restricts), (found.Owner, found.Restricts));
        Assert.Equal(zone.Contains("FAIL", StringComparison.Ordinal), found.Problem is not null);
    }

    /// <summary>A name that somebody published must not make us ask without end.</summary>
    [Fact]
    public async Task A_name_of_very_many_labels_is_not_climbed()
    {
        var found = await FindAsync("example CAA 0 issue \"ca.example\"", $"{string.Concat(Enumerable.Repeat("a.", 100))}example");

        Assert.Equal("a name of 101 labels", found.Problem);
    }

    static Task<CaaFacts> FindAsync(string zone, string host) =>
        new CaaClimb(ZoneResolver.Parse(zone)).FindAsync(DomainName.Parse(host), TestContext.Current.CancellationToken);
}
