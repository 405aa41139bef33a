using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Policy;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Relay.Tests.Attempt;

/// <summary>A server that may do anything, at every place of a session: what becomes of each of two recipients, alone and with a sound
/// host behind it. What is expected follows from RFC 5321 §4.2 and §5.1 and is written down here, not taken from the code.</summary>
public sealed class HostileReceiverTests : IAsyncDisposable
{
    /// <summary>More than all buffers between here and a peer that does not read.</summary>
    static readonly byte[] s_large = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a line of content\r\n", 1_500_000)));

    static readonly string[] s_replies =
    [
        "220 hello", "235 welcome", "250 ok", "299 fine", "334 go on", "354 go on", "399 and", "421 4.3.2 closing", "450 4.2.1 busy", "452 full",
        "454 4.7.0 not now", "500 what", "503 5.5.1 bad sequence", "530 5.7.0 must issue STARTTLS first", "535 5.7.8 wrong password",
        "550 5.7.1 no", "552 full", "554 5.7.1 no", "999 beyond", "25", "garbage", "", "250 ok\r\n250 one too many",
    ];

    static readonly string[] s_breaks =
        [HostilePeer.Close, HostilePeer.Reset, HostilePeer.Cut, HostilePeer.EndlessReply, HostilePeer.EndlessLine];

    static readonly PeerVerdict s_trusted = new(PeerIdentity.Pkix, []);

    readonly LocalAuthority _authority = LocalAuthority.Create("hostile", TimeProvider.System);
    readonly X509Certificate2 _certificate;
    readonly ScriptedServer _sound;

    /// <summary>Stands in for the sound host where the content is too large to be sent again and again.</summary>
    readonly ScriptedServer _full;
    readonly RecordingSink _sink = new();

    public HostileReceiverTests()
    {
        _certificate = _authority.Issue("mx.example.org");
        _sound = new ScriptedServer(_certificate, new Script(Starttls.Works) { Extensions = ["AUTH PLAIN"], Answers = { ["AUTH"] = "235 ok" } });
        _full = new ScriptedServer(_certificate, new Script(Starttls.Works) { Answers = { ["MAIL"] = "452 4.3.1 full" } });
    }

    public async ValueTask DisposeAsync()
    {
        await _sound.DisposeAsync();
        await _full.DisposeAsync();
        _certificate.Dispose();
        _authority.Dispose();
    }

    public static TheoryData<Place, bool, string> Places()
    {
        var places = new TheoryData<Place, bool, string>
        {
            { Place.Greeting, false, "" }, { Place.Greeting, true, "" }, { Place.Ehlo, false, "" }, { Place.StartTls, true, "" },
            { Place.Handshake, true, "" }, { Place.EhloInTls, true, "" }, { Place.Auth, true, "AUTH PLAIN" },
        };
        foreach (var extensions in (string[])["", "PIPELINING", "CHUNKING", "PIPELINING,CHUNKING"])
        {
            foreach (var place in (Place[])[Place.Mail, Place.FirstRcpt, Place.SecondRcpt, Place.Data, Place.Content, Place.Dot, Place.Quit])
            {
                if (place != Place.Data || !extensions.Contains("CHUNKING", StringComparison.Ordinal))
                {
                    places.Add(place, false, extensions);
                    places.Add(place, true, extensions);
                }
            }
        }

        return places;
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Places))]
    public async Task Whatever_it_does_there_each_recipient_gets_the_right_outcome(Place place, bool tls, string extensions)
    {
        List<string> wrong = [];
        var sessions = 0;
        var cancel = TestContext.Current.CancellationToken;
        foreach (var act in s_replies.Concat(s_breaks).Where(act => IsPossible(place, act, extensions)))
        {
            await using var peer = new HostilePeer(place, act, extensions.Split(','), tls ? _certificate : null);
            var expected = Expect(place, act, tls);
            var next = place == Place.Content ? _full : _sound;
            var maybe = MayHaveArrived(place, act) ? 2 : 0;
            foreach (var behind in (ScriptedServer?[])[null, next])
            {
                var outcomes = Final(expected, behind is null ? null : behind == _sound ? 'D' : 'd');
                var asked = next.Sessions.Count;

                var attempt = await DeliverAsync(peer, behind, TimeProvider.System, cancel);

                var isAsked = behind is not null && expected.Contains('n', StringComparison.OrdinalIgnoreCase);
                var (found, should) = (
                    (Text(attempt), next.Sessions.Count - asked, attempt.Sessions.Sum(use => use.MayBeDelivered)), (outcomes, isAsked ? 1 : 0, maybe));
                if (found != should)
                {
                    wrong.Add($"{act}: {found} instead of {should}: {attempt.Recipients[0].Outcome}");
                }

                sessions += attempt.Sessions.Length;
            }
        }

        Assert.Empty(wrong);
        Assert.Equal(sessions, _sink.Sessions.Count);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(Place.Greeting, false)]
    [InlineData(Place.Ehlo, false)]
    [InlineData(Place.StartTls, true)]
    [InlineData(Place.Handshake, true)]
    [InlineData(Place.EhloInTls, true)]
    [InlineData(Place.Auth, true)]
    [InlineData(Place.Mail, true)]
    [InlineData(Place.FirstRcpt, true)]
    [InlineData(Place.SecondRcpt, false)]
    [InlineData(Place.Data, true)]
    [InlineData(Place.Content, true)]
    [InlineData(Place.Dot, true)]
    [InlineData(Place.Quit, true)]
    public async Task Silence_and_single_octets_are_waited_for_only_so_long(Place place, bool tls)
    {
        var cancel = TestContext.Current.CancellationToken;
        foreach (var act in (string[])[HostilePeer.Stall, HostilePeer.SlowReply])
        {
            var clock = new FakeTimeProvider(Samples.Noon);
            string[] extensions = place == Place.Auth ? ["AUTH PLAIN"] : ["PIPELINING"];
            await using var peer = new HostilePeer(place, act, extensions, tls ? _certificate : null);

            var delivering = DeliverAsync(peer, behind: null, clock, cancel);
            await peer.Stalled.WaitAsync(cancel);
            while (!delivering.IsCompleted)
            {
                peer.Drip();
                clock.Advance(TimeSpan.FromSeconds(10));
                await Task.Yield();
            }

            var attempt = await delivering;
            Assert.Equal((act, place == Place.Quit ? "DD" : "dd"), (act, Text(attempt)));
            Assert.Equal(place == Place.Dot ? 2 : 0, Assert.Single(attempt.Sessions).MayBeDelivered);
        }
    }

    [Theory(Timeout = 60_000)]
    [InlineData(Place.SecondRcpt, "PIPELINING", 0)]
    [InlineData(Place.Dot, "PIPELINING", 2)]
    [InlineData(Place.Dot, "CHUNKING", 2)]
    public async Task A_stop_that_does_not_wait_for_the_answer_counts_what_may_have_arrived(Place place, string extension, int mayBeDelivered)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var peer = new HostilePeer(place, HostilePeer.Stall, [extension], _certificate);

        var delivering = DeliverAsync(peer, behind: null, TimeProvider.System, stop.Token);
        await peer.Stalled.WaitAsync(stop.Token);
        await stop.CancelAsync();

        var attempt = await delivering;
        Assert.Equal("dd", Text(attempt));
        Assert.Equal(mayBeDelivered, Assert.Single(attempt.Sessions).MayBeDelivered);
    }

    /// <summary>D delivered, d deferred, B bounced; n deferred by this host but open to the next one; N the same, and bounced when all hosts
    /// say so.</summary>
    static string Expect(Place place, string act, bool tls)
    {
        var meaning = MeaningOf(place, act);
        var toAll = meaning switch
        {
            Meaning.Welcome => 'D',
            Meaning.Nonsense or Meaning.Farewell when place == Place.Dot => 'd', // it may have the message: never twice at once
            Meaning.Nonsense or Meaning.Farewell => 'n',
            Meaning.NeedsTls when !tls && place >= Place.Mail => 'n', // TLS that could not be had: no reason to return the mail
            Meaning.Later => place <= Place.Data ? 'n' : 'd',
            _ => place switch // 5xx
            {
                Place.Greeting or Place.StartTls or Place.Auth => 'n', // about us, not about the mail
                Place.Ehlo or Place.EhloInTls => 'N',
                Place.FirstRcpt or Place.SecondRcpt when act.StartsWith("552", StringComparison.Ordinal) => 'n', // RFC 5321 §4.5.3.1.10
                _ => 'B',
            },
        };
        return (place, meaning) switch
        {
            (Place.Quit, _) => "DD",
            (_, Meaning.Nonsense or Meaning.Farewell) => $"{toAll}{toAll}",
            (Place.FirstRcpt, _) => $"{toAll}D",
            (Place.SecondRcpt, _) => $"D{toAll}",
            _ => $"{toAll}{toAll}",
        };
    }

    static Meaning MeaningOf(Place place, string act)
    {
        var first = act.Split("\r\n")[0];
        if (first.Length < 4 || !int.TryParse(first.AsSpan(0, 3), NumberStyles.None, null, out var code) || code is < 200 or > 599)
        {
            return Meaning.Nonsense;
        }

        // More replies than commands: nobody knows any more which is which. After the end of the message, its own comes first.
        if (act != first && !(place == Place.Dot || place == Place.Quit))
        {
            return Meaning.Nonsense;
        }

        return (place, code) switch
        {
            (Place.Handshake, _) => Meaning.Nonsense,
            (Place.Greeting or Place.StartTls, 220) or (Place.Auth, 235) or (Place.Data, 354) => Meaning.Welcome,
            (Place.Ehlo or Place.EhloInTls or Place.Mail or Place.FirstRcpt or Place.SecondRcpt or Place.Dot, < 300) => Meaning.Welcome,
            (_, 421) => Meaning.Farewell,
            (_, 530) => Meaning.NeedsTls,
            (_, >= 500) => Meaning.Never,
            (_, >= 400) => Meaning.Later,
            _ => Meaning.Nonsense,
        };
    }

    /// <summary>The whole message was sent, and no answer to it can be understood (RFC 5321 §6.1).</summary>
    static bool MayHaveArrived(Place place, string act) => place == Place.Dot && MeaningOf(place, act) == Meaning.Nonsense;

    /// <summary>Left out is what has no certain end. A success in the middle of a chunk may be an early answer to it: the transfer goes on
    /// until it times out. A reply too many before the last one of a group is seen when all have come, or taken for the answer to the
    /// content when the network is slow.</summary>
    static bool IsPossible(Place place, string act, string extensions) => extensions switch
    {
        "CHUNKING" or "PIPELINING,CHUNKING" when place == Place.Content => act is not ['2', _, _, ' ', ..],
        "PIPELINING,CHUNKING" when place is Place.Mail or Place.FirstRcpt => !act.Contains("\r\n", StringComparison.Ordinal),
        _ => place != Place.StartTls || !act.StartsWith("220", StringComparison.Ordinal),
    };

    /// <param name="next">What the next host makes of it; null: there is none.</param>
    static string Final(string expected, char? next) => expected.Replace('n', next ?? 'd').Replace('N', next ?? 'B');

    static string Text(DeliveryAttempt attempt) => string.Concat(attempt.Recipients.Select(recipient => recipient.Outcome switch
    {
        RecipientOutcome.Delivered => 'D',
        RecipientOutcome.Deferred => 'd',
        _ => 'B',
    }));

    Task<DeliveryAttempt> DeliverAsync(HostilePeer peer, ScriptedServer? behind, TimeProvider clock, CancellationToken cancel)
    {
        var floor = peer.Certificate is null ? SecurityFloor.Plaintext : SecurityFloor.Encrypted;
        HostPlan[] hosts = [Samples.Host(floor, port: peer.Port), .. behind is null ? (HostPlan[])[] : [Samples.Host(floor, "mx2.example.org", behind.Port)]];
        var deliverer = new Deliverer(
            new DelivererOptions
            {
                Client = new ClientOptions { Hostname = "gw.example.net", Clock = clock },
                Verify = _ => _ => s_trusted,
                Credentials = new ClientCredentials("gw", "secret"),
                LongestAttempt = TimeSpan.FromDays(30), // a test that turns the clock means another wait
            },
            _sink,
            NullLogger<Deliverer>.Instance);
        var content = peer.Place == Place.Content ? s_large : Samples.Content.ToArray();
        return deliverer.DeliverAsync(
            Samples.Lease("a@example.org", "b@example.org") with { Size = content.Length },
            new DeliveryPlan.Relay([.. hosts], Credentials: peer.Place == Place.Auth),
            _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)),
            cancel);
    }

    enum Meaning
    {
        Welcome,
        Later,
        Never,
        NeedsTls,

        /// <summary>421: the session ends with it.</summary>
        Farewell,

        /// <summary>No reply, or one that has no meaning there.</summary>
        Nonsense,
    }
}
