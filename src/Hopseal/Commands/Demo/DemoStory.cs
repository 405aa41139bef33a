using System.Collections.Immutable;
using System.Net;
using System.Text;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands.Demo;

/// <summary>What happens in the demo, in order. Every line of the proof is read from the gateway's records or from the peers, and
/// every check can fail.</summary>
sealed class DemoStory(DemoWorld world, DemoScreen screen, TimeProvider clock)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    bool _holds = true;

    /// <returns>Whether every check held.</returns>
    public async Task<bool> TellAsync(CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(s_patience);
        screen.Title(
            "Hopseal: no mail crosses a hop unencrypted unless somebody decided so",
            $"{DemoWorld.Sender}  ──TLS──▶  gateway.hopseal.example  ──TLS──▶  mx.{DemoWorld.Receiver}");
        await ProveTwoHopsAsync(limit.Token);
        screen.Step(
            "5  Domains that publish what they ask for",
            "Nobody configured anything for these two: what the gateway demands of their hosts, it found in DNS and at a policy host.");
        await FollowAsync(DemoWorld.Dane, PeerIdentity.DaneEe, "by the key in its signed TLSA record; nobody knows its authority", limit.Token);
        screen.Say("");
        await FollowAsync(DemoWorld.Sts, PeerIdentity.Pkix, "by a valid certificate for the name in its MTA-STS policy", limit.Token);
        await ResistAsync(limit.Token);
        return _holds;
    }

    async Task ProveTwoHopsAsync(CancellationToken cancel)
    {
        var content = Message($"alice@{DemoWorld.Sender}", $"bob@{DemoWorld.Receiver}", "The first hop and the second");
        screen.Step("1  The sending hop hands a message to the gateway", "STARTTLS turns the connection into TLS; everything said before it is forgotten.");
        var (transcript, tls, results) = await SendAsync(
            world.GatewayEndpoint, SecurityFloor.Authenticated, "gateway.hopseal.example", $"alice@{DemoWorld.Sender}", $"bob@{DemoWorld.Receiver}", content, cancel);
        screen.Dialogue(transcript, "sender", "gateway");
        Check(results is [RecipientResult.Accepted], "the gateway answered 250 only after the message was on stable storage");

        var attempt = await world.Records.NextAttemptAsync(cancel);
        screen.Step("2  The gateway decides before it connects", "The plan is a value: made in full, printed, recorded, and then executed as it is.");
        screen.Plan(PlanText.Write(attempt.Lease.Domain, attempt.Plan));

        screen.Step("3  The gateway hands the message to the receiving hop", $"message {attempt.Lease.Id}, attempt {attempt.Lease.AttemptNumber}");
        var session = attempt.Sessions[^1];
        screen.Dialogue(session.Transcript ?? new Transcript(), "gateway", "receiver");

        screen.Step("4  The proof of each hop", "From the session records, as they go into the log.");
        var inbound = (await world.Records.NextInboundAsync(cancel)).Summary.Tls;
        Check(inbound is TlsOutcome.Encrypted, "the gateway's own record says that the first hop was encrypted");
        var outbound = session.Tls as TlsOutcome.Encrypted;
        Check(outbound is { Identity: PeerIdentity.Pkix }, "the second hop was encrypted, and the receiver proved its name");
        if (tls is TlsOutcome.Encrypted first && outbound is not null)
        {
            screen.Proof(
                new HopProof("sender → gateway", "STARTTLS", first, first.Peer, SecurityFloor.Authenticated),
                new HopProof("gateway → receiver", "STARTTLS", outbound, outbound.Peer, session.Plan.Floor));
        }

        var arrived = world.Mailbox.Messages.TryDequeue(out var message) ? message : [];
        Check(arrived.AsSpan().EndsWith(content), "the message arrived byte for byte, behind one added Received header");
        screen.Say("");
        foreach (var line in Encoding.UTF8.GetString(arrived.AsSpan(0, Math.Max(0, arrived.Length - content.Length))).TrimEnd().Split("\r\n"))
        {
            screen.Say($"  {line}");
        }
    }

    /// <summary>One message to a domain whose published policy demands an authenticated hop.</summary>
    async Task FollowAsync(string domain, PeerIdentity expected, string proof, CancellationToken cancel)
    {
        var content = Message($"alice@{DemoWorld.Sender}", $"erin@{domain}", "As you wish");
        await SendAsync(
            world.GatewayEndpoint, SecurityFloor.Authenticated, "gateway.hopseal.example", $"alice@{DemoWorld.Sender}", $"erin@{domain}", content, cancel);
        var attempt = await world.Records.NextAttemptAsync(cancel);
        screen.Plan(PlanText.Write(attempt.Lease.Domain, attempt.Plan));
        var tls = attempt.Sessions is [.., var session] ? session.Tls as TlsOutcome.Encrypted : null;
        Check(tls?.Identity == expected, $"mx.{domain} proved who it is {proof}");
        var arrived = world.Mailbox.Messages.TryDequeue(out var message) ? message : [];
        Check(attempt.Recipients is [(_, RecipientOutcome.Delivered)] && arrived.AsSpan().EndsWith(content), "the message arrived");
    }

    async Task ResistAsync(CancellationToken cancel)
    {
        // The gateway remembers that this host had TLS: that it does not any more is an alert.
        await SendAsync(
            world.GatewayEndpoint, SecurityFloor.Authenticated, "gateway.hopseal.example", $"alice@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}",
            Message($"alice@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}", "Before anybody listens"), cancel);
        var before = await world.Records.NextAttemptAsync(cancel);
        world.Attacker.IsAtWork = true;
        screen.Step(
            $"6  Somebody sits on the path to mx.{DemoWorld.Bank}",
            "He passes everything on, but takes STARTTLS out of what the server offers. First, what that costs a sender that encrypts only if it is offered:");
        var careless = Message($"carol@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}", "Account statement");
        await SendAsync(world.BankEndpoint, SecurityFloor.Plaintext, $"mx.{DemoWorld.Bank}", $"carol@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}", careless, cancel);
        Check(before.Recipients is [(_, RecipientOutcome.Delivered)], $"a message to mx.{DemoWorld.Bank} went encrypted before he came");
        var readByAttacker = world.Attacker.Seen;
        screen.Seen("what the attacker read:", readByAttacker.Where(line => line.Length > 0));
        Check(readByAttacker.Any(line => line.Contains("Account statement", StringComparison.Ordinal)), "the attack works: he read the whole message");

        screen.Step("7  The same attack, with the gateway in between", $"The operator's rule for {DemoWorld.Bank} asks for \"Encrypted\". Nothing may lower that.");
        var content = Message($"alice@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}", "Account statement");
        await SendAsync(
            world.GatewayEndpoint, SecurityFloor.Authenticated, "gateway.hopseal.example", $"alice@{DemoWorld.Sender}", $"dave@{DemoWorld.Bank}", content, cancel);
        var attempt = await world.Records.NextAttemptAsync(cancel);
        screen.Plan(PlanText.Write(attempt.Lease.Domain, attempt.Plan));
        screen.Say("");
        screen.Dialogue(attempt.Sessions[^1].Transcript ?? new Transcript(), "gateway", "attacker");
        var seen = world.Attacker.Seen[readByAttacker.Length..];
        screen.Say("");
        screen.Seen("what the attacker read:", seen);
        Check(
            seen.Length > 0 && !seen.Any(line => line.StartsWith("MAIL", StringComparison.OrdinalIgnoreCase)),
            "no sender, no recipient, no content crossed this hop");
        Check(world.Attacker.Stripped >= 2, $"the offer was stripped {world.Attacker.Stripped} times");

        var outcome = attempt.Recipients[0].Outcome as RecipientOutcome.Deferred;
        Check(outcome is not null, $"the mail waits: {outcome?.Status} {outcome?.Reason}");
        var waiting = await world.CountWaitingAsync(cancel);
        Check(waiting == 1, $"{waiting} message in the queue; next attempt {attempt.RetryAt:HH:mm} UTC");
    }

    async Task<(Transcript, TlsOutcome?, ImmutableArray<RecipientResult>)> SendAsync(
        IPEndPoint server, SecurityFloor floor, string name, string from, string to, byte[] content, CancellationToken cancel)
    {
        var transcript = new Transcript();
        var options = new ClientOptions { Hostname = $"mail.{DemoWorld.Sender}", Clock = clock, Transcript = transcript };
        var demand = new TlsDemand(floor, name, world.VerifierFor(name));
        var clearance = await SmtpClientConnection.OpenAsync(server, demand, options, cancel);
        if (clearance is not Clearance.Granted granted)
        {
            Check(false, $"no session with {server}: {clearance}");
            return (transcript, null, []);
        }

        await using (granted.Channel)
        {
            var envelope = new Envelope(Address(from), [Address(to)]);
            var results = await granted.Channel.SendAsync(envelope, new MemoryStream(content, writable: false), content.Length, cancel);
            return (transcript, granted.Tls, results);
        }
    }

    static Mailbox Address(string text) => new(text.Split('@')[0], DomainName.Parse(text.Split('@')[1]));

    static byte[] Message(string from, string to, string subject) => Encoding.UTF8.GetBytes(
        $"From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nWhat is in here is nobody's business but yours.\r\n.\r\nA line with a dot stood above.\r\n");

    void Check(bool holds, string text)
    {
        _holds &= holds;
        screen.Check(holds, text);
    }
}
