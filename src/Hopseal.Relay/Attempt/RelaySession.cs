using System.Collections.Immutable;
using Hopseal.Policy;
using Hopseal.Smtp.Client;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Attempt;

/// <summary>One attempt's use of one session: opened for it, or kept from another attempt. One call, which gives the session back
/// however it ends.</summary>
/// <param name="plan">What this attempt asks of the session.</param>
sealed class RelaySession(RelayAttempt attempt, HostPlan plan, OutboundSession session)
{
    readonly int _earlier = session.Transactions;
    readonly int _open = attempt.Ledger.Open.Length;
    SessionFault? _fault;
    bool _fit;
    readonly ImmutableArray<int>.Builder _delivered = ImmutableArray.CreateBuilder<int>();
    readonly ImmutableArray<int>.Builder _bounced = ImmutableArray.CreateBuilder<int>();
    int _mayBeDelivered;
    bool? _promised;

    bool IsKept => _earlier > 0;

    /// <summary>Opens the session and sends. Enters a verdict for the recipients it concerns and returns where to go on.</summary>
    /// <exception cref="OperationCanceledException">The attempt was broken off.</exception>
    public Task<NextStep> OpenAsync(CancellationToken cancel) => EndAsync(OpenAndSendAsync(cancel));

    /// <summary>The same with a session that is open already. <see cref="NextStep.SameAddressAnew"/> when it turned out to be of no use; no
    /// verdict is entered then.</summary>
    /// <exception cref="OperationCanceledException">The attempt was broken off.</exception>
    public Task<NextStep> ContinueAsync(CancellationToken cancel) => EndAsync(SendAsync(cancel));

    async Task<NextStep> EndAsync(Task<NextStep> run)
    {
        var ended = false;
        try
        {
            var next = await run;
            ended = true;
            return next;
        }
        finally
        {
            if (!ended)
            {
                var unanswered = session.Transactions > _earlier ? session.Channel.Unanswered : 0;
                _mayBeDelivered += unanswered;
                var phase = session.Tls is null ? SmtpPhase.Connect : unanswered > 0 ? SmtpPhase.EndOfData : SmtpPhase.Content;
                _fault ??= new SessionFault(phase, FaultKind.ConnectionLost, null, "the session was ended by this gateway");
            }

            var use = new SessionUse(
                session.Id,
                plan,
                session.Peer,
                session.Start,
                session.Tls,
                _fault,
                _earlier,
                session.Transactions - _earlier,
                _delivered.Count,
                _open - _delivered.Count - _bounced.Count,
                _bounced.Count,
                _mayBeDelivered,
                session.Transcript)
            {
                RequireTlsSaid = _promised,
                DeliveredPlaces = _delivered.ToImmutable(),
                BouncedPlaces = _bounced.ToImmutable(),
            };
            await attempt.EndUseAsync(session, use, ended && _fit);
        }
    }

    /// <summary>Step 8: secure.</summary>
    async Task<NextStep> OpenAndSendAsync(CancellationToken cancel)
    {
        var clearance = await session.OpenAsync(cancel);
        if (clearance is Clearance.Granted granted)
        {
            if (granted.Tls is TlsOutcome.Encrypted encrypted)
            {
                attempt.Options.Proven?.Invoke(plan, encrypted);
            }

            return await SendAsync(cancel);
        }

        _fault = (clearance as Clearance.Unavailable)?.Fault;
        var verdict = ReplyVerdict.OfSession(plan, session.Peer.Address, session.Start, clearance, attempt.Lease.EarlierTlsFailure);
        attempt.TlsFailed |= verdict.TlsFailed;
        attempt.Ledger.EnterAll(verdict);
        return verdict.Next;
    }

    /// <summary>Step 9: send. One transaction after the other while all goes well.</summary>
    async Task<NextStep> SendAsync(CancellationToken cancel)
    {
        foreach (var chunk in attempt.Ledger.Open.Chunk(attempt.Options.MaxRecipients))
        {
            if (!session.Channel.Usable)
            {
                attempt.Ledger.EnterAll(ReplyVerdict.OfEndedSession(plan, session.Peer.Address));
                return NextStep.NextAddress;
            }

            var isFirst = session.Transactions == _earlier;
            var results = await TransferAsync(chunk, cancel);
            if (IsKept && isFirst && ReplyVerdict.OfKeptSession(results) is { } stale)
            {
                _fault = stale;
                return NextStep.SameAddressAnew;
            }

            if (Judge(chunk, results) is { } verdict)
            {
                attempt.Ledger.EnterAll(verdict);
                return verdict.Next;
            }
        }

        return attempt.Ledger.IsSettled ? NextStep.Stop : NextStep.NextHost;
    }

    async Task<ImmutableArray<RecipientResult>> TransferAsync(int[] chunk, CancellationToken cancel)
    {
        var lease = attempt.Lease;
        var envelope = RequireTlsRule.AsSent(
            lease.Pending with { Recipients = [.. chunk.Select(position => attempt.Ledger[position])] },
            plan,
            session.Tls!,
            session.Channel.Capabilities);
        if (lease.Pending.Tls is MessageTls.Required)
        {
            _promised = envelope.Tls is MessageTls.Required;
        }

        await using var content = await attempt.OpenContentAsync(cancel);
        session.BeginTransaction();
        return await session.Channel.SendAsync(envelope, content, lease.Size, cancel);
    }

    /// <summary>Step 10: judge.</summary>
    /// <returns>The last verdict that is not final and holds for the other transactions too; null when there is none.</returns>
    Verdict? Judge(int[] chunk, ImmutableArray<RecipientResult> results)
    {
        Verdict? ofAll = null;
        for (var i = 0; i < chunk.Length; i++)
        {
            var verdict = ReplyVerdict.OfRecipient(plan, session.Peer.Address, session.Tls!, results[i]);
            attempt.Ledger.Enter(chunk[i], verdict);
            Count(chunk[i], results[i], verdict);
            ofAll = verdict.Next == NextStep.Stop || ReplyVerdict.IsAboutRecipient(results[i]) ? ofAll : verdict;
        }

        _fit = ReplyVerdict.LeavesSessionFit(results);
        return ofAll;
    }

    void Count(int place, RecipientResult result, Verdict verdict)
    {
        switch (verdict.Outcome)
        {
            case Queue.RecipientOutcome.Delivered:
                _delivered.Add(place);
                break;
            case Queue.RecipientOutcome.Bounced when verdict.Next == NextStep.Stop:
                _bounced.Add(place);
                break;
        }

        if (result is RecipientResult.Interrupted interrupted)
        {
            _fault ??= interrupted.Fault;
            _mayBeDelivered += interrupted.MayBeDelivered ? 1 : 0;
        }
    }
}
