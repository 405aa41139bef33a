using System.Net;
using System.Net.Sockets;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;

namespace Hopseal.Smtp.Client;

/// <summary>Step 8: one outbound connection to one address.</summary>
public static class SmtpClientConnection
{
    /// <summary>Connect, greeting, EHLO, STARTTLS, handshake, verification, EHLO again, AUTH: the only way to a
    /// <see cref="TransactionChannel"/>. Throws only when <paramref name="cancel"/> is cancelled, or for a demand that
    /// contradicts itself.</summary>
    /// <exception cref="ArgumentException">No TLS is to be tried, but the floor or the credentials need it.</exception>
    public static async ValueTask<Clearance> OpenAsync(IPEndPoint peer, TlsDemand demand, ClientOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(demand);
        ArgumentNullException.ThrowIfNull(options);

        // Credentials never travel in plaintext (RFC 4954 §4), whatever the policies say about mail.
        var needed = demand with
        {
            Floor = options.Credentials is not null && demand.Floor is SecurityFloor.Plaintext ? SecurityFloor.Encrypted : demand.Floor,
        };
        if (needed is { Start: TlsStart.None, Floor: not SecurityFloor.Plaintext })
        {
            throw new ArgumentException("no TLS is to be tried, but the floor or the credentials need it", nameof(demand));
        }

        var deadline = new Deadline(options.Clock);
        deadline.Follow(cancel);
        SessionOpening? opening = null;
        IPAddress? local = null;
        try
        {
            (var stream, local) = await ConnectAsync(peer, options, deadline);
            opening = new SessionOpening(stream, needed, options, deadline);
            var clearance = await opening.RunAsync();
            if (clearance is Clearance.Granted)
            {
                deadline.Rest();
            }
            else
            {
                deadline.Dispose();
            }

            return clearance with { Local = local };
        }
        catch (SessionBrokenException broken)
        {
            await AbandonAsync(opening, deadline);
            return (opening?.EndedBy(broken) ?? new Clearance.Unavailable(broken.Fault, null)) with { Local = local };
        }
        catch
        {
            await AbandonAsync(opening, deadline);
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    static async ValueTask<(SmtpStream Stream, IPAddress? Local)> ConnectAsync(IPEndPoint peer, ClientOptions options, Deadline deadline)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (options.LocalAddress is { } local && local.AddressFamily == peer.AddressFamily)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            deadline.Arm(options.ConnectTimeout);
            await socket.ConnectAsync(peer, deadline.Token);
            options.Transcript?.Event($"connected to {peer}");
            return (new SmtpStream(new SocketTransport(socket)), (socket.LocalEndPoint as IPEndPoint)?.Address);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !deadline.CallerCancelled)
        {
            socket?.Dispose();
            var (kind, detail) = error switch
            {
                SocketException { SocketErrorCode: not SocketError.TimedOut } refused => (FaultKind.Unreachable, refused.SocketErrorCode.ToString()),
                _ => (FaultKind.TimedOut, "no answer"),
            };
            options.Transcript?.Event($"no connection to {peer}: {detail}");
            throw new SessionBrokenException(new SessionFault(SmtpPhase.Connect, kind, null, $"no connection to {peer}: {detail}"), error);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    static async ValueTask AbandonAsync(SessionOpening? opening, Deadline deadline)
    {
        if (opening is not null)
        {
            await opening.BreakAsync();
        }

        deadline.Dispose();
    }
}
