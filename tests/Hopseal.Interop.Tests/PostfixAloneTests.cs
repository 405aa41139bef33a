using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>The control experiment: two Postfix without a gateway between them leave the corpus as it is. What changes with a
/// gateway between them, the gateway changed.</summary>
public sealed class PostfixAloneTests(PostfixAloneTests.Pair pair) : IClassFixture<PostfixAloneTests.Pair>
{
    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Names => Corpus.Names;

    [Theory(Timeout = 90_000)]
    [MemberData(nameof(Names))]
    public async Task Content_arrives_as_it_was_sent(string name)
    {
        Assert.SkipWhen(PostfixInstance.Unavailable is not null, PostfixInstance.Unavailable ?? "");
        var mark = $"control-{Guid.NewGuid():n}";

        var arrivals = await pair.Hops.CarryAsync(
            Corpus.Make(name, mark), mark, PostfixPair.DirectDomain, hops: 2, s_limit, () => "", TestContext.Current.CancellationToken);

        Assert.All(arrivals, arrival => Assert.Contains("TLSv1.3", arrival.Received.First(), StringComparison.Ordinal));
    }

    public sealed class Pair : IAsyncLifetime
    {
        readonly TestDirectory _directory = new("control");
        TestAuthority? _authority;
        PostfixPair? _hops;

        internal PostfixPair Hops => _hops ?? throw new InvalidOperationException("not started");

        public async ValueTask InitializeAsync()
        {
            if (PostfixInstance.Unavailable is null)
            {
                _authority = new TestAuthority(_directory);
                _hops = await PostfixPair.StartAsync(_authority, Ports.Next(), "gateway.test", TestContext.Current.CancellationToken);
            }
        }

        public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_hops], _authority, _directory);
    }
}
