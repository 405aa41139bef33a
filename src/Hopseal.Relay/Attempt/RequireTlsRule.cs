using Hopseal.Policy;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Relay.Attempt;

/// <summary>Whether MAIL says REQUIRETLS for a message whose sender did. A pure decision.</summary>
static class RequireTlsRule
{
    /// <summary>The envelope for one transaction. <see cref="MessageTls.Required"/> in it is said to the host, or else keeps the message
    /// from it.</summary>
    /// <param name="plan">What was asked of the session.</param>
    /// <param name="reached">By the session.</param>
    public static Envelope AsSent(Envelope message, HostPlan plan, TlsOutcome reached, EhloCapabilities offered)
    {
        if (message.Tls is not MessageTls.Required)
        {
            return message;
        }

        var says = plan.Policies.OfType<TransportPolicy.RequireTls>().FirstOrDefault() switch
        {
            { OfferRequired: true } => true,
            { OfferRequired: false } => offered.RequireTls,

            // A report travels as it can (RFC 8689 §5); the word may be given only to a host that proved who it is (§2).
            null => offered.RequireTls
                && plan.Host.Authenticity is not HostAuthenticity.None
                && reached is TlsOutcome.Encrypted { Identity: not PeerIdentity.Unauthenticated },
        };
        return says ? message : message with { Tls = MessageTls.Unspecified };
    }
}
