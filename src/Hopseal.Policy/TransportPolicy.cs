using Hopseal.Smtp.Tls;

namespace Hopseal.Policy;

/// <summary>One policy found to apply to one host, and the floor it alone would set.</summary>
public abstract record TransportPolicy
{
    TransportPolicy()
    {
    }

    public abstract SecurityFloor Floor { get; }

    /// <summary>Nothing published: encrypt if offered (RFC 7435 §3).</summary>
    public sealed record Opportunistic : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Plaintext;
    }

    /// <summary>What the operator configured for this destination.</summary>
    /// <param name="Source">The configuration key that says so, for example <c>Outbound.Rules[0]</c>.</param>
    /// <param name="Exception">Set where it lowers what others ask for: each of those is <see cref="Excepted"/>.</param>
    public sealed record Operator(SecurityFloor Configured, string Source, ExceptionTerms? Exception = null) : TransportPolicy
    {
        public override SecurityFloor Floor => Configured;
    }

    /// <summary>A policy that asks for more than an exception in force lets it: it stays in the plan, and is seen in every record.</summary>
    /// <param name="Policy">What was asked for.</param>
    /// <param name="By">The exception.</param>
    public sealed record Excepted(TransportPolicy Policy, Operator By) : TransportPolicy
    {
        public override SecurityFloor Floor => By.Configured;
    }

    /// <summary>We authenticate to this host; credentials never travel in plaintext (RFC 4954 §4).</summary>
    public sealed record Credentials : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;
    }

    /// <summary>This host completed TLS before. If it no longer offers it, somebody on the path may be stripping it.</summary>
    public sealed record ProvenTls(DateTimeOffset LastProvenAt) : TransportPolicy
    {
        public override SecurityFloor Floor => SecurityFloor.Encrypted;
    }
}
