using System.Collections.Immutable;
using System.Text;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Policy.Dane;
using Hopseal.Policy.MtaSts;
using Hopseal.Relay;
using Hopseal.Relay.Attempt;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hopseal.Commands;

/// <summary>One attempt at one message, as the gateway would make it, without a queue. The plan and the dialogue go to standard error, one
/// line for each recipient to standard output.</summary>
sealed class Sending(SendRequest request, byte[] content, Terminal terminal)
{
    readonly DialogueWriter _dialogue = new(terminal);

    /// <returns>0 when every recipient was delivered, 1 when one was refused, 3 when it has to be tried again.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var resolver = Resolvers.Create(DnsSettings.Standard, terminal.Clock);
        var fetch = new StsFetch(resolver, new PkixCheck(request.Roots, terminal.Clock), terminal.Clock);
        await using var policies = new StsPolicies(resolver, fetch, terminal.Clock);
        var planner = new DeliveryPlanner(request.Routing, resolver, new ProvenTlsMemory(terminal.Clock), policies);
        var deliverer = new Deliverer(DelivererOptions(), _dialogue, NullLogger<Deliverer>.Instance);
        var envelope = WithContent(request.Envelope);
        var outcomes = ImmutableArray.CreateBuilder<RecipientOutcome>();
        foreach (var (domain, recipients) in request.Parts())
        {
            var plan = (await planner.PlanAsync(domain, envelope.ReturnPath, cancel)).For(envelope);
            _dialogue.Plan(domain, plan);
            var part = envelope with { Recipients = recipients };
            outcomes.AddRange(plan is DeliveryPlan.Relay relay
                ? await AttemptAsync(deliverer, relay, domain, part, cancel)
                : NotAttempted(plan, part));
        }

        return outcomes.Any(outcome => outcome is RecipientOutcome.Bounced) ? ExitCode.No
            : outcomes.All(outcome => outcome is RecipientOutcome.Delivered) ? ExitCode.Done
            : ExitCode.Unknown;
    }

    async Task<IEnumerable<RecipientOutcome>> AttemptAsync(
        Deliverer deliverer, DeliveryPlan.Relay plan, string domain, Envelope part, CancellationToken cancel)
    {
        var now = terminal.Clock.GetUtcNow();
        var lease = new QueueLease(
            QueueId.Next(terminal.Clock), domain, part, AttemptNumber: 1, now, content.Length, GivesUpAt: now, EarlierTlsFailure: false);
        var attempt = await deliverer.DeliverAsync(
            lease, plan, _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)), cancel);
        foreach (var (recipient, outcome) in attempt.Recipients)
        {
            Tell(recipient, outcome);
        }

        return attempt.Recipients.Select(pair => pair.Outcome);
    }

    ImmutableArray<RecipientOutcome> NotAttempted(DeliveryPlan plan, Envelope part)
    {
        var outcome = ReplyVerdict.OfPlan(plan) ?? throw new InvalidOperationException($"no outcome for {plan}");
        foreach (var recipient in part.Recipients)
        {
            Tell(recipient, outcome);
        }

        return [.. part.Recipients.Select(_ => outcome)];
    }

    void Tell(Recipient recipient, RecipientOutcome outcome) => terminal.Out.WriteLine(Shown.Plain(outcome switch
    {
        RecipientOutcome.Delivered delivered => $"delivered {recipient} {delivered.Reply}",
        RecipientOutcome.Deferred deferred => $"deferred {recipient} {deferred.Status} {deferred.Reason}",
        RecipientOutcome.Bounced bounced => $"refused {recipient} {bounced.Status} {bounced.Reason}",
        _ => throw new InvalidOperationException($"unknown outcome {outcome}"),
    }));

    DelivererOptions DelivererOptions()
    {
        var verifier = new PeerVerifier(new PkixCheck(request.Roots, terminal.Clock), new DaneCheck(terminal.Clock));
        return new DelivererOptions
        {
            Client = new ClientOptions { Hostname = request.Hostname, Clock = terminal.Clock },
            Verify = verifier.For,
            Credentials = request.Credentials,
        };
    }

    /// <summary>What the content needs of the next hop: 8BITMIME for octets above 127 (RFC 6152), SMTPUTF8 where they are in an
    /// address or in the header section (RFC 6531 §3.4, RFC 6532). And what it says about TLS (RFC 8689 §4.1).</summary>
    Envelope WithContent(Envelope envelope)
    {
        var headerEnd = content.AsSpan().IndexOf("\r\n\r\n"u8);
        var header = headerEnd < 0 ? content : content.AsSpan(0, headerEnd);
        var facts = new ContentFacts();
        facts.Look(content);
        return envelope with
        {
            Tls = facts.WaivesTls && envelope.Tls is MessageTls.Unspecified ? MessageTls.Optional : envelope.Tls,
            Body = Ascii.IsValid(content) ? BodyType.SevenBit : BodyType.EightBitMime,
            SmtpUtf8 = !Ascii.IsValid(header)
                || envelope.ReturnPath?.NeedsSmtpUtf8 == true
                || envelope.Recipients.Any(recipient => recipient.Mailbox.NeedsSmtpUtf8),
        };
    }
}
