using Hopseal.Commands;

using var stop = new StopSignals(CancellationToken.None);
return await CommandLine.RunAsync(args, Terminal.OfProcess(), stop.Token);
