using System.Net;

namespace Hopseal.Smtp.Server;

/// <summary>One accepted connection, as it is known before a word was said.</summary>
/// <param name="SessionId">Unique; it goes into the log, the Received header and the session record.</param>
/// <param name="Listener">The listener's name.</param>
/// <param name="Peer">The client; behind a PROXY header, the client that the header names.</param>
/// <param name="Local">The address the client connected to.</param>
public sealed record ServerConnection(string SessionId, string Listener, IPEndPoint Peer, IPEndPoint Local);
