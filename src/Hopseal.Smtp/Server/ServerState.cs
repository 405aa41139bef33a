using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;

namespace Hopseal.Smtp.Server;

/// <summary>Everything the server knows about its client at one moment. Each state carries only what is true in it, so
/// forgetting is structural: the state after STARTTLS has nowhere to keep the EHLO argument, the envelope or the user that
/// RFC 3207 §4.2 tells us to discard.</summary>
public abstract record ServerState
{
    ServerState()
    {
    }

    /// <summary>Null on a plaintext connection.</summary>
    public abstract TlsOutcome.Encrypted? Encryption { get; }

    /// <summary>Greeted, or just upgraded (RFC 5321 §4.1.4).</summary>
    public sealed record AwaitingHello(TlsOutcome.Encrypted? Tls) : ServerState
    {
        public override TlsOutcome.Encrypted? Encryption => Tls;
    }

    /// <summary>Between mail transactions.</summary>
    /// <param name="Extended">The client said EHLO, not HELO.</param>
    /// <param name="User">Null until AUTH succeeds; never set on a plaintext connection.</param>
    public sealed record Ready(string Hello, bool Extended, TlsOutcome.Encrypted? Tls, string? User) : ServerState
    {
        public override TlsOutcome.Encrypted? Encryption => Tls;
    }

    /// <summary>MAIL was accepted, and zero or more RCPT (RFC 5321 §3.3).</summary>
    public sealed record InTransaction(Ready Session, Envelope Envelope) : ServerState
    {
        public override TlsOutcome.Encrypted? Encryption => Session.Tls;

        public InTransaction With(Recipient recipient) =>
            this with { Envelope = Envelope with { Recipients = Envelope.Recipients.Add(recipient) } };
    }

    /// <summary>At least one BDAT was accepted, and not yet the last (RFC 3030 §2).</summary>
    /// <param name="Received">Octets of content so far.</param>
    public sealed record ReceivingChunks(Ready Session, Envelope Envelope, long Received) : ServerState
    {
        public override TlsOutcome.Encrypted? Encryption => Session.Tls;
    }

    /// <summary>A chunk was refused; until RSET no further one can make the message whole (RFC 3030 §2).</summary>
    public sealed record ChunksFailed(Ready Session) : ServerState
    {
        public override TlsOutcome.Encrypted? Encryption => Session.Tls;
    }
}
