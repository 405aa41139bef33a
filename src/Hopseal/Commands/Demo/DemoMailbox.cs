using System.Collections.Concurrent;
using Hopseal.Smtp.Mail;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Wire;

namespace Hopseal.Commands.Demo;

/// <summary>The receiving hop's mailbox: keeps what arrives in memory.</summary>
sealed class DemoMailbox : ITransactionHandler
{
    public ConcurrentQueue<byte[]> Messages { get; } = [];

    public ValueTask<SmtpReply> RecipientAsync(SessionContext session, Envelope soFar, Mailbox recipient, CancellationToken cancel) =>
        ValueTask.FromResult(new SmtpReply(250, new EnhancedStatus(2, 1, 5), "recipient ok"));

    public IMessageWriter BeginMessage(SessionContext session, Envelope envelope) => new Arriving(this);

    sealed class Arriving(DemoMailbox mailbox) : IMessageWriter
    {
        readonly MemoryStream _content = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel) => _content.WriteAsync(content, cancel);

        public ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            mailbox.Messages.Enqueue(_content.ToArray());
            return ValueTask.FromResult(new SmtpReply(250, new EnhancedStatus(2, 0, 0), "thank you"));
        }

        public ValueTask DisposeAsync() => _content.DisposeAsync();
    }
}
