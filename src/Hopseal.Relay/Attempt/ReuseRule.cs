using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Relay.Attempt;

/// <summary>Whether a session that was cleared for one plan may carry the mail of another. Only when both ask for the same, word for
/// word: what was cleared for less must not stand for more, nor one identity for another, and where the two differ in any other way a
/// new connection is cheaper than a proof.</summary>
static class ReuseRule
{
    /// <summary>A session without TLS is not kept: it would hold the next message to plaintext, which by itself would ask for
    /// TLS again and might get it.</summary>
    public static bool MayBeKept(TlsOutcome? reached) => reached is TlsOutcome.Encrypted;

    public static bool Allows(HostPlan cleared, HostPlan wanted) =>
        cleared.Host.Name == wanted.Host.Name
        && cleared.Host.Port == wanted.Host.Port
        && cleared.Host.Start == wanted.Host.Start
        && cleared.Host.Authenticity == wanted.Host.Authenticity
        && cleared.Certificate == wanted.Certificate
        && cleared.ReferenceNames.AsSpan().SequenceEqual(wanted.ReferenceNames.AsSpan())
        && Same(cleared, wanted);

    static bool Same(HostPlan cleared, HostPlan wanted)
    {
        if (cleared.Policies.Length != wanted.Policies.Length)
        {
            return false;
        }

        for (var i = 0; i < cleared.Policies.Length; i++)
        {
            if (!Same(cleared.Policies[i], wanted.Policies[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>When a host last proved TLS changes with every session, and nothing depends on it.</summary>
    static bool Same(TransportPolicy cleared, TransportPolicy wanted) => (cleared, wanted) switch
    {
        (TransportPolicy.ProvenTls, TransportPolicy.ProvenTls) => true,
        (TransportPolicy.Excepted one, TransportPolicy.Excepted other) => one.By == other.By && Same(one.Policy, other.Policy),
        _ => cleared == wanted,
    };
}
