using System.Net;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using System.Security.Cryptography.X509Certificates;

namespace Hopseal.Audit.Tests;

/// <summary>The gateway's own SMTP server, which does everything right.</summary>
sealed class GoodServer : IAsyncDisposable
{
    readonly SmtpListener _listener;

    GoodServer(SmtpListener listener) => _listener = listener;

    public IPEndPoint Endpoint => _listener.Endpoint;

    public static Task<GoodServer> StartAsync(X509Certificate2 certificate, ListenerMode mode = ListenerMode.StartTls, IPAddress? address = null, int port = 0) =>
        StartAsync([certificate], mode, address, port);

    /// <param name="certificates">Chosen by the name that is asked for; the first one for all others.</param>
    public static async Task<GoodServer> StartAsync(IEnumerable<X509Certificate2> certificates, ListenerMode mode = ListenerMode.StartTls, IPAddress? address = null, int port = 0)
    {
        var listener = new SmtpListener(
            new ListenerOptions
            {
                Name = "mx",
                Endpoint = new IPEndPoint(address ?? IPAddress.Loopback, port),
                Server = new ServerOptions
                {
                    Hostname = "mx.good.example",
                    Mode = mode,
                    Certificates = ServerCertificates.FromCertificates([.. certificates.Select(certificate => new X509Certificate2Collection(certificate))]),
                },
            },
            new ConnectionLimits(100, 100), new Nobody(), _ => { }, TimeProvider.System);
        await listener.StartAsync();
        return new GoodServer(listener);
    }

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    sealed class Nobody : ITransactionHandler
    {
        public ValueTask<SmtpReply> RecipientAsync(SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel) =>
            ValueTask.FromResult(new SmtpReply(550, new EnhancedStatus(5, 1, 1), "nobody lives here"));

        public IMessageWriter BeginMessage(SessionContext session, Envelope envelope) => throw new NotSupportedException("there is nobody to write to");
    }
}
