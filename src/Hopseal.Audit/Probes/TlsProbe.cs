using System.Collections.Immutable;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Probes;

/// <summary>What hand-made hellos found at one address.</summary>
/// <param name="Chains">As sent in up to TLS 1.2, DER, one for each certificate that was shown.</param>
/// <param name="BestOlder">The newest version before TLS 1.3 that it speaks.</param>
sealed record TlsProbeResult(TlsFacts Facts, ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>> Chains, WireVersion? BestOlder);

/// <summary>Asks a server what it speaks, with one hello a connection. What matters most is asked first, so that a budget that ends early
/// leaves the least unknown.</summary>
/// <param name="ask">Sends one hello over a connection of its own.</param>
/// <param name="askSsl2">The same in SSL 2.0.</param>
/// <param name="deep">Every suite and group, as far as connections last, and every version for itself.</param>
/// <param name="everyCertificate">Also the certificate that only some clients are shown.</param>
sealed class TlsProbe(
    Func<ClientHello, CancellationToken, Task<HelloAnswer>> ask, Func<CancellationToken, Task<HelloAnswer>> askSsl2, string? serverName, bool deep, bool everyCertificate)
{
    readonly SeenTls _seen = new();

    /// <summary>Throws only when cancelled.</summary>
    /// <param name="hellos">What was asked until then, for the facts.</param>
    public async Task<TlsProbeResult> RunAsync(Func<ImmutableArray<HelloFact>> hellos, CancellationToken cancel)
    {
        await ModernAsync(cancel);
        var none = await StrongAndWeakAsync(cancel);
        await OldVersionsAsync(none, cancel);
        await Ssl2Async(cancel);
        _seen.BrokenKnown = none;
        if (!none)
        {
            await (deep ? BrokenAsync(cancel) : WeakAsync(cancel));
        }

        if (_seen.BestOlder is { } version)
        {
            if (everyCertificate)
            {
                await OtherCertificateAsync(version, cancel);
            }

            await Sha1Async(version, cancel);
        }

        await PostQuantumAsync(cancel);
        await RestAsync(cancel);
        JudgeOrder();
        return new TlsProbeResult(_seen.ToFacts(hellos()), [.. _seen.Chains], _seen.BestOlder);
    }

    /// <summary>Only the certificate of the kind that a handshake did not show, by one hello; empty where there is none, or it could not be asked for. Throws only when
    /// cancelled.</summary>
    public static async Task<ImmutableArray<ImmutableArray<ReadOnlyMemory<byte>>>> OtherKindAsync(
        Func<ClientHello, CancellationToken, Task<HelloAnswer>> ask, string? serverName, WireVersion version, CertificateFacts shown, CancellationToken cancel)
    {
        var seen = new SeenTls();
        var hello = HelloOffers.Older12(
            serverName, version, SuitesOf(version, shown.KeyKind == "RSA" ? [SuiteAuthentication.Ecdsa] : [SuiteAuthentication.Rsa]));
        seen.Note(hello, await ask(hello, cancel));
        return [.. seen.Chains];
    }

    async Task<(HelloAnswer Answer, ServerFlight? Flight)> AskAsync(ClientHello hello, CancellationToken cancel)
    {
        var answer = await ask(hello, cancel);
        return (answer, _seen.Note(hello, answer));
    }

    /// <summary>TLS 1.3, with the groups of tomorrow last: who asks for one of these all the same prefers it.</summary>
    async Task ModernAsync(CancellationToken cancel)
    {
        var (answer, flight) = await AskAsync(HelloOffers.Tls13(serverName, CipherSuites.Tls13, NamedGroups.Tls13), cancel);
        _seen.Set(WireVersion.Tls13, Said(answer, flight, WireVersion.Tls13));
        if (flight?.Group is { } group)
        {
            _seen.PostQuantumPreferred = NamedGroups.Find(group) is { } known && NamedGroups.IsPostQuantum(known);
        }
    }

    /// <summary>TLS 1.2 with the same suites in two orders.</summary>
    /// <returns>Whether it is sure that no version up to 1.2 is spoken: whoever has an older one answers a hello of 1.2 with that
    /// (RFC 5246 §E.1).</returns>
    async Task<bool> StrongAndWeakAsync(CancellationToken cancel)
    {
        var strong = HelloOffers.Older12(serverName, WireVersion.Tls12, HelloOffers.StrongFirst) with { Compression = true };
        var (answer, flight) = await AskAsync(strong, cancel);
        _seen.Set(WireVersion.Tls12, Said(answer, flight, WireVersion.Tls12));
        if (flight is not { Version: WireVersion.Tls12 })
        {
            var none = answer is HelloAnswer.Refused { Description: HelloAnswer.Refused.ProtocolVersion };
            if (deep && !none && flight is null)
            {
                // There may be none but weak ones; a quick look asks for these anyway.
                (answer, flight) = await AskAsync(HelloOffers.Older12(serverName, WireVersion.Tls12, HelloOffers.Weak), cancel);
                _seen.Set(WireVersion.Tls12, Said(answer, flight, WireVersion.Tls12));
            }

            return none;
        }

        _seen.ChosenStrongFirst = CipherSuites.NameOf(flight.Suite);
        (_, flight) = await AskAsync(HelloOffers.Older12(serverName, WireVersion.Tls12, HelloOffers.WeakFirst), cancel);
        _seen.ChosenWeakFirst = flight is { Version: WireVersion.Tls12 } ? CipherSuites.NameOf(flight.Suite) : null;
        return false;
    }

    async Task OldVersionsAsync(bool none, CancellationToken cancel)
    {
        WireVersion[] older = [WireVersion.Tls11, WireVersion.Tls10, WireVersion.Ssl30];
        if (none && !deep)
        {
            Array.ForEach(older, version => _seen.Set(version, false));
            return;
        }

        foreach (var version in older.Where(version => !_seen.Speaks(version)))
        {
            var (answer, flight) = await AskAsync(HelloOffers.Older12(serverName, version, HelloOffers.Older), cancel);
            _seen.Set(version, Said(answer, flight, version));
            if (!deep && answer is HelloAnswer.Refused { Description: HelloAnswer.Refused.ProtocolVersion })
            {
                Array.ForEach(older, lower => _seen.Set(lower, false));
                return;
            }
        }
    }

    /// <summary>Everything that should not be, in one hello; and where something of it is accepted, what must not be, in another.</summary>
    async Task WeakAsync(CancellationToken cancel)
    {
        if (!_seen.Spoken().Any(_seen.AcceptsWeak))
        {
            var (answer, flight) = await AskAsync(HelloOffers.Older12(serverName, WireVersion.Tls12, HelloOffers.Weak), cancel);
            if (flight is null)
            {
                _seen.BrokenKnown = answer is HelloAnswer.Refused or HelloAnswer.Closed;
                return;
            }

            _seen.Set(WireVersion.Tls12, Said(answer, flight, WireVersion.Tls12));
        }

        await BrokenAsync(cancel);
    }

    /// <summary>Also before a deep search, which may run out of connections before it has left out all that is better.</summary>
    async Task BrokenAsync(CancellationToken cancel)
    {
        if (!_seen.Spoken().Any(_seen.AcceptsBroken))
        {
            var (answer, flight) = await AskAsync(HelloOffers.Older12(serverName, WireVersion.Tls12, HelloOffers.Broken), cancel);
            _seen.BrokenKnown = Said(answer, flight, WireVersion.Tls12) is not null;
        }
        else
        {
            _seen.BrokenKnown = true;
        }
    }

    /// <summary>Certificates of the other kind, which clients that want that kind see: they have to be as good.</summary>
    async Task OtherCertificateAsync(WireVersion version, CancellationToken cancel)
    {
        SuiteAuthentication[] shown = [.. CipherSuites.Tls12.Where(suite => _seen.Accepts(version, suite)).Select(suite => suite.Authentication).Distinct()];
        if (shown.Contains(SuiteAuthentication.Rsa) == shown.Contains(SuiteAuthentication.Ecdsa))
        {
            return;
        }

        SuiteAuthentication[] kinds = [SuiteAuthentication.Rsa, SuiteAuthentication.Ecdsa];
        await AskAsync(HelloOffers.Older12(serverName, version, SuitesOf(version, kinds.Except(shown))), cancel);
    }

    static ImmutableArray<CipherSuite> SuitesOf(WireVersion version, IEnumerable<SuiteAuthentication> kinds) =>
        [.. HelloOffers.StrongFirst.Where(suite => kinds.Contains(suite.Authentication) && (version is WireVersion.Tls12 || !suite.NeedsTls12))];

    /// <summary>Offers only SHA-1 for signatures (RFC 9155 §3 forbids to use it).</summary>
    async Task Sha1Async(WireVersion version, CancellationToken cancel)
    {
        if (version is not WireVersion.Tls12)
        {
            return;
        }

        ImmutableArray<CipherSuite> signed = [.. HelloOffers.StrongFirst.Where(suite => suite.KeyExchange is not KeyExchange.Rsa)];
        var hello = HelloOffers.Older12(serverName, version, signed) with { Signatures = [.. SignatureSchemes.Sha1.Select(scheme => scheme.Value)] };
        var (answer, flight) = await AskAsync(hello, cancel);
        _seen.Sha1Signature = flight?.Signature is { } scheme ? SignatureSchemes.HashOf(scheme) == "SHA1" : answer is HelloAnswer.Refused or HelloAnswer.Closed ? false : null;
    }

    async Task PostQuantumAsync(CancellationToken cancel)
    {
        if (!_seen.Speaks(WireVersion.Tls13) || _seen.PostQuantumPreferred is true)
        {
            // Without TLS 1.3 there are no such groups.
            _seen.GroupsKnown = _seen.PostQuantumPreferred is true || _seen.Refuses(WireVersion.Tls13);
            return;
        }

        var (answer, flight) = await AskAsync(HelloOffers.Tls13(serverName, CipherSuites.Tls13, NamedGroups.PostQuantum), cancel);
        _seen.GroupsKnown = Said(answer, flight, WireVersion.Tls13) is not null;
    }

    /// <summary>In a quick look only where SSL 3.0 is spoken: the libraries that still had it had that, too, and TLS 1.0 alone, which many still have, says nothing of it.</summary>
    async Task Ssl2Async(CancellationToken cancel)
    {
        if (deep || _seen.Speaks(WireVersion.Ssl30))
        {
            _seen.NoteSsl2(await askSsl2(cancel));
        }
    }

    /// <summary>With whatever connections are left.</summary>
    async Task RestAsync(CancellationToken cancel)
    {
        var search = new TlsSearch(AskAsync, _seen, serverName);
        if (_seen.BestOlder is { } version)
        {
            await DhAsync(version, cancel);
            if (deep)
            {
                await FallbackAsync(version, cancel);
            }
        }

        if (deep && _seen.Speaks(WireVersion.Tls13))
        {
            await search.GroupsAsync(cancel);
        }

        if (deep)
        {
            var all = true;
            foreach (var spoken in _seen.Spoken().OrderDescending().ToArray())
            {
                all &= await search.SuitesAsync(spoken, cancel);
            }

            _seen.AllSuites = all;
        }
        else if (_seen.BestOlder is { } newest && _seen.AcceptsWeak(newest))
        {
            await search.SuitesAsync(newest, cancel);
        }
        else
        {
            await AnotherAsync(cancel);
        }

        if (deep && _seen.BestOlder is { } best)
        {
            await search.OlderGroupsAsync(best, cancel);
        }
    }

    /// <summary>Whether there is a second suite: with one alone, nothing says whose order counts.</summary>
    async Task AnotherAsync(CancellationToken cancel)
    {
        if (_seen.Accepted(WireVersion.Tls12) == 1)
        {
            ImmutableArray<CipherSuite> others = [.. HelloOffers.StrongFirst.Where(suite => !_seen.Accepts(WireVersion.Tls12, suite))];
            await AskAsync(HelloOffers.Older12(serverName, WireVersion.Tls12, others), cancel);
        }
    }

    /// <summary>Only where a weak suite was accepted: who refuses all of them has no Diffie-Hellman with primes.</summary>
    async Task DhAsync(WireVersion version, CancellationToken cancel)
    {
        ImmutableArray<CipherSuite> primes =
        [
            .. CipherSuites.Tls12.Where(suite => suite is { KeyExchange: KeyExchange.Dhe, Authentication: SuiteAuthentication.Rsa, Bits: >= 112 } && (version is WireVersion.Tls12 || !suite.NeedsTls12))
                .Take(HelloOffers.MostSuites)
        ];
        if (_seen.DhBits is null && (deep || _seen.AcceptsWeak(version)))
        {
            await AskAsync(HelloOffers.Older12(serverName, version, primes), cancel);
        }
    }

    /// <summary>A hello that says it fell back, although the server has something newer (RFC 7507 §3).</summary>
    async Task FallbackAsync(WireVersion best, CancellationToken cancel)
    {
        var spoken = _seen.Spoken().ToArray();
        var lower = _seen.Speaks(WireVersion.Tls13) ? best : spoken.Where(version => version < best).Select(version => (WireVersion?)version).Max();
        if (lower is not { } version)
        {
            return;
        }

        var hello = HelloOffers.Older12(serverName, version, version is WireVersion.Tls12 ? HelloOffers.StrongFirst : HelloOffers.Older) with { Fallback = true };
        var (answer, flight) = await AskAsync(hello, cancel);
        _seen.FallbackRefused = answer switch
        {
            HelloAnswer.Refused { Description: HelloAnswer.Refused.InappropriateFallback } => true,
            _ when flight is not null => false,
            _ => null,
        };
    }

    /// <summary>The same choice from both orders is an order of its own, if there was another one to choose.</summary>
    void JudgeOrder() => _seen.ServerOrder = (_seen.ChosenStrongFirst, _seen.ChosenWeakFirst) switch
    {
        (null, _) or (_, null) => null,
        var (strong, weak) when strong != weak => false,
        _ => _seen.Accepted(WireVersion.Tls12) > 1 ? true : null,
    };

    /// <summary>Yes, no, or that it cannot be told.</summary>
    static bool? Said(HelloAnswer answer, ServerFlight? flight, WireVersion version) => flight is { } agreed ? agreed.Version == version : answer switch
    {
        HelloAnswer.Refused or HelloAnswer.Closed => false,
        _ => null,
    };
}
