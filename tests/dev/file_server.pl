#!/usr/bin/perl
# file_server.pl FOLDER LOG: serves FOLDER over HTTP on a free port of 127.0.0.1, one request after the other, until
# it is killed. It prints its port first, and writes each request, with the byte it began at, to LOG.
# A folder that contains a file `.cut` has connections that break after half of what was asked for; one with
# `.no-ranges` cannot go on in the middle of a file. Perl, as Debian has it on every machine.
use strict;
use warnings;
use IO::Socket::INET;

my ($folder, $log) = @ARGV;
$SIG{PIPE} = 'IGNORE';
$| = 1;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die "cannot listen: $!";
print $server->sockport, "\n";

while (my $client = $server->accept) {
    my ($path, $from) = ('', 0);
    while (defined(my $line = <$client>)) {
        $path = $1 if $line =~ m{^GET /(\S+) };
        $from = $1 if $line =~ /^Range: bytes=(\d+)-/i;
        last if $line =~ /^\r?$/;
    }
    open(my $requests, '>>', $log) or die;
    print $requests "$path from $from\n";
    close $requests;

    my $file;
    if (!open($file, '<:raw', "$folder/$path")) {
        print $client "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    } else {
        my $content = do { local $/; <$file> };
        $content = '' unless defined $content;
        my $size = length $content;
        $from = 0 if -e "$folder/.no-ranges";
        if ($from >= $size && $from > 0) {
            print $client "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        } else {
            my $rest = substr($content, $from);
            my $length = length $rest;
            print $client $from ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes $from-@{[$size - 1]}/$size\r\n"
                                : "HTTP/1.1 200 OK\r\n";
            print $client "Content-Length: $length\r\nConnection: close\r\n\r\n";
            $rest = substr($rest, 0, int($length / 2)) if -e "$folder/.cut";
            print $client $rest;
        }
    }
    close $client;
}
