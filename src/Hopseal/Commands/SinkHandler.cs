using Hopseal.Relay.Attempt;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands;

/// <summary>Accepts everything, counts it, and keeps it in a Maildir or nowhere. 250 means no more than that: what is discarded
/// survives nothing.</summary>
/// <param name="maildir">Null: discard.</param>
/// <param name="stopAfter">Messages; 0 for no end.</param>
sealed class SinkHandler(string hostname, string? maildir, long stopAfter, TimeProvider clock) : ITransactionHandler
{
    static readonly SmtpReply s_recipientOk = new(250, new EnhancedStatus(2, 1, 5), "recipient ok");
    static readonly ValueTask<SmtpReply> s_recipientReply = new(s_recipientOk);
    static readonly SmtpReply s_taken = new(250, new EnhancedStatus(2, 0, 0), "taken");

    readonly Maildir _delivery = new(hostname, clock);
    readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _messages;
    long _recipients;
    long _octets;

    public long Messages => Interlocked.Read(ref _messages);

    public long Recipients => Interlocked.Read(ref _recipients);

    public long Octets => Interlocked.Read(ref _octets);

    /// <summary>Completes after as many messages as were asked for.</summary>
    public Task Enough => _enough.Task;

    public ValueTask<SmtpReply> RecipientAsync(SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel) =>
        s_recipientReply;

    public IMessageWriter BeginMessage(SessionContext session, Envelope envelope) =>
        maildir is null ? new Discarding(this, envelope) : new Keeping(this, envelope, maildir);

    void Count(Envelope envelope, long octets)
    {
        Interlocked.Add(ref _recipients, envelope.Recipients.Length);
        Interlocked.Add(ref _octets, octets);
        if (Interlocked.Increment(ref _messages) == stopAfter)
        {
            _enough.SetResult();
        }
    }

    sealed class Discarding(SinkHandler sink, Envelope envelope) : IMessageWriter
    {
        static readonly ValueTask<SmtpReply> s_reply = new(s_taken);

        long _octets;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            _octets += content.Length;
            return ValueTask.CompletedTask;
        }

        public ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            sink.Count(envelope, _octets);
            return s_reply;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>The listener bounds what one message may hold.</summary>
    sealed class Keeping(SinkHandler sink, Envelope envelope, string directory) : IMessageWriter
    {
        readonly MemoryStream _content = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            _content.Write(content.Span);
            return ValueTask.CompletedTask;
        }

        public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            _content.Position = 0;
            try
            {
                await sink._delivery.DeliverAsync(directory, envelope, _content, cancel);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new SmtpReply(451, new EnhancedStatus(4, 3, 0), "the message could not be kept");
            }

            sink.Count(envelope, _content.Length);
            return s_taken;
        }

        public ValueTask DisposeAsync() => _content.DisposeAsync();
    }
}
