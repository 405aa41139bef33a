using Hopseal.Load;

const string Usage = """
    usage: hopseal-load handshake|message|sink|silent [options] PORT

      handshake   connect, EHLO, STARTTLS, TLS, EHLO, QUIT; repeat
      message     the same, with -k messages before QUIT
      sink        an SMTP server that accepts everything and throws it away
      silent      a port that accepts connections and never says a word

      -t plain|starttls|implicit   transport (default starttls)
      -c N       concurrent connections (default 10)
      -k N       messages per connection (default 1)
      -s BYTES   message size (default 1024)
      -d SEC     measured seconds (default 2)           -w SEC   warm-up before that (default 0.3)
      -n N       stop after N sessions, all of them measured; sink: stop after N messages
      -v 1.2|1.3 only this version of TLS
      -P         pipeline MAIL, RCPT and DATA
      -f ADDR -R ADDR   envelope sender, recipient; in the recipient % is a number that counts up,
                         and # the time of Unix in milliseconds
      -M N       that number runs from 0 to N-1
      -C FILE -K FILE   sink: PEM certificate and key; without them it offers no TLS
      -A N       sink, silent: listen on so many addresses, 127.1.0.1, 127.1.0.2, ...; else on 127.0.0.1
      -B ADDR    sink, silent: the first of these addresses
    """;

if (LoadOptions.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync(Usage);
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    stop.Cancel();
};
switch (options.Mode)
{
    case LoadMode.Handshake or LoadMode.Message:
        Console.WriteLine(await new Client(options).RunAsync());
        break;
    case LoadMode.Sink:
        await new Sink(options, Console.Out).RunAsync(stop.Token);
        break;
    case LoadMode.Silent:
        await Listening.SilentlyAsync(options, stop.Token);
        break;
}

return 0;
