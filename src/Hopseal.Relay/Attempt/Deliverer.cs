using System.Net;
using Hopseal.Policy;
using Hopseal.Relay.Queue;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Attempt;

/// <summary>Executes a plan for one lease: its hosts in order, each address in order, until no recipient is left open. It
/// decides nothing: what is required is in the plan, what a failure means is in <see cref="ReplyVerdict"/>.</summary>
/// <remarks>Sessions that delivered are kept for a while (<see cref="DelivererOptions.Reuse"/>). Each session is recorded once, when
/// it is closed: without reuse before the attempt completes, with it at the latest when this is disposed.</remarks>
public sealed partial class Deliverer(DelivererOptions options, ISessionSink sink, ILogger<Deliverer> log) : IAsyncDisposable
{
    readonly IdleSessions? _idle = options.Reuse is { } reuse ? new IdleSessions(reuse, options.Client.Clock) : null;

    /// <summary>Never throws: what went wrong, a cancelled <paramref name="cancel"/> included, is in the outcomes.</summary>
    /// <param name="openContent">Opens the content from its first octet; called once per transaction.</param>
    /// <param name="cancel">Breaks off the attempt; what is not delivered then is deferred.</param>
    public async Task<DeliveryAttempt> DeliverAsync(
        QueueLease lease,
        DeliveryPlan.Relay plan,
        Func<CancellationToken, ValueTask<Stream>> openContent,
        CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(openContent);
        var clock = options.Client.Clock;
        var attempt = new RelayAttempt(options, _idle, sink, lease, plan, openContent);
        using var limit = new CancellationTokenSource(options.LongestAttempt, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await TryHostsAsync(attempt, plan, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            attempt.Ledger.Leave(cancel.IsCancellationRequested ? ReplyVerdict.OfStop() : ReplyVerdict.OfLongAttempt());
        }
        catch (Exception e)
        {
            LogFailed(e, lease.Id, lease.Domain);
            attempt.Ledger.Leave(ReplyVerdict.OfOwnFault("a fault of this gateway ended the attempt"));
        }

        return attempt.Close();
    }

    /// <summary>Closes the sessions that are idle, and those that come back from now on.</summary>
    public ValueTask DisposeAsync() => _idle?.DisposeAsync() ?? default;

    /// <summary>Step 7: connect.</summary>
    async Task TryHostsAsync(RelayAttempt attempt, DeliveryPlan.Relay plan, CancellationToken cancel)
    {
        var addresses = 0;
        for (var i = 0; i < plan.Hosts.Length && !attempt.Ledger.IsSettled; i++)
        {
            var host = plan.Hosts[i];
            if (i >= options.MaxHosts)
            {
                attempt.Ledger.Leave(ReplyVerdict.OfUntriedHosts());
                return;
            }

            if (host.Host.Addresses.IsEmpty)
            {
                attempt.Ledger.EnterAll(ReplyVerdict.OfMissingAddress(host));
                continue;
            }

            foreach (var address in host.Host.Addresses)
            {
                if (addresses++ >= options.MaxAddresses || attempt.Elapsed >= options.NoNewSessionAfter)
                {
                    attempt.Ledger.Leave(ReplyVerdict.OfUntriedHosts());
                    return;
                }

                var next = await TryAddressAsync(attempt, host, new IPEndPoint(address, host.Host.Port), cancel);
                if (next != NextStep.NextAddress || attempt.Ledger.IsSettled)
                {
                    break;
                }
            }
        }

        if (plan.Excluded.Any(host => host.IsForNow))
        {
            attempt.Ledger.Leave(ReplyVerdict.OfExcludedHosts(plan));
        }
    }

    static async Task<NextStep> TryAddressAsync(RelayAttempt attempt, HostPlan host, IPEndPoint peer, CancellationToken cancel)
    {
        var plan = attempt.AsOfNow(host);
        if (attempt.TakeIdle(plan, peer, host.Host.Start) is { } kept
            && await new RelaySession(attempt, plan, kept).ContinueAsync(cancel) is var done and not NextStep.SameAddressAnew)
        {
            return done;
        }

        var next = await new RelaySession(attempt, plan, attempt.NewSession(plan, peer, host.Host.Start)).OpenAsync(cancel);
        if (next != NextStep.SameAddressInPlaintext)
        {
            return next;
        }

        // Asked again: what another session proved meanwhile forbids it.
        var later = attempt.AsOfNow(host);
        return later.Floor is SecurityFloor.Plaintext
            ? await new RelaySession(attempt, later, attempt.NewSession(later, peer, TlsStart.None)).OpenAsync(cancel)
            : NextStep.NextAddress;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "An attempt at message {Id} for {Domain} failed by a fault of ours; what was not delivered is tried again")]
    partial void LogFailed(Exception e, QueueId id, string domain);
}
